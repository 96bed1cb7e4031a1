BEGIN TRANSACTION;
CREATE TABLE deeds (
    tenant text not null, email text not null, deed text not null, account text, owner text not null,
    at real not null, primary key (tenant, email)
);
INSERT INTO "deeds" VALUES('enerflo golden','ana.ruiz@example.com','MADE','1002','accounts/test/ana',1.79583506782878136627e+09);
INSERT INTO "deeds" VALUES('tenovos golden','ana@example.com','MADE','880120f1-8a20-4451-862c-4f96c260a8dd','accounts/test/ana',1.79583506783975672721e+09);
INSERT INTO "deeds" VALUES('enerflo golden','ina@example.com','MADE','1003','accounts/test/inactive',1.79583506784400463102e+09);
INSERT INTO "deeds" VALUES('nexudus golden','josé.gross@example.com','MADE','1002','accounts/test/jose',1.79583506785953712458e+09);
INSERT INTO "deeds" VALUES('nexudus golden','dora@example.com','MADE','1003','accounts/test/desk:members',1.79583506786767101289e+09);
INSERT INTO "deeds" VALUES('nexudus golden','vera@example.com','MADE','1004','accounts/test/vera',1.79583506787405824661e+09);
INSERT INTO "deeds" VALUES('nexudus golden','ana@example.com','MADE','1006','accounts/test/ana',1795835067.89805);
INSERT INTO "deeds" VALUES('enerflo golden','kim@example.com','MADE','1005','accounts/test/sales:members',1.79583506791051983829e+09);
INSERT INTO "deeds" VALUES('enerflo golden','max.strauss@example.com','MADE','1006','accounts/test/sales:members',1.79583506791102170941e+09);
INSERT INTO "deeds" VALUES('enerflo golden','cleo@example.com','MADE','1007','accounts/test/seatwise:index:Person$cleo',1.79583506791382265087e+09);
INSERT INTO "deeds" VALUES('tenovos golden','nora@example.com','MADE','e26418b4-3f3a-4a76-b66d-d86001080a7d','accounts/test/my:office:Team$nora',1.79583506848628568649e+09);
INSERT INTO "deeds" VALUES('nexudus golden','cleo@example.com','MADE','1007','accounts/test/seatwise:index:Person$cleo',1.79583506849170827868e+09);
INSERT INTO "deeds" VALUES('enerflo west','wes@example.com','MADE','1008','accounts/test/wes',1.79583506852250051493e+09);
INSERT INTO "deeds" VALUES('enerflo golden','lost@example.com','INTENDED',NULL,'accounts/test/lost',1.79583508510985279081e+09);
INSERT INTO "deeds" VALUES('nexudus golden','peter@example.com','RETIRED','1005','',1.79583509232247233392e+09);
INSERT INTO "deeds" VALUES('enerflo golden','gone@example.com','RETIRED','1004','',1.7958350929689106941e+09);
CREATE TABLE doubts (
    tenant text not null, account text not null, why text not null, at real not null, primary key (tenant, account)
);
INSERT INTO "doubts" VALUES('nexudus golden','1004','CHANGED',1.79583507581832456587e+09);
INSERT INTO "doubts" VALUES('nexudus golden','1005','RETIRED',1.79583509231881070138e+09);
INSERT INTO "doubts" VALUES('enerflo golden','1004','RETIRED',1.79583509296556425097e+09);
CREATE TABLE revisions (
    tenant text not null, account text not null, revision integer not null, at real not null,
    primary key (tenant, account)
);
INSERT INTO "revisions" VALUES('enerflo golden','1002',1,1.79583506783352613448e+09);
INSERT INTO "revisions" VALUES('tenovos golden','880120f1-8a20-4451-862c-4f96c260a8dd',1,1.7958350678429980278e+09);
INSERT INTO "revisions" VALUES('enerflo golden','1003',1,1.79583506785634756082e+09);
INSERT INTO "revisions" VALUES('nexudus golden','1001',1,1.79583506786424064631e+09);
INSERT INTO "revisions" VALUES('enerflo golden','1001',1,1.79583506790221238136e+09);
INSERT INTO "revisions" VALUES('enerflo golden','1005',1,1.79583506791454482077e+09);
INSERT INTO "revisions" VALUES('enerflo golden','1006',1,1.79583506791924691205e+09);
INSERT INTO "revisions" VALUES('nexudus golden','1006',1,1.79583507163126468659e+09);
CREATE INDEX deeds_by_account on deeds (tenant, account);
COMMIT;
