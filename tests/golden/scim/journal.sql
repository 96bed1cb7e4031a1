BEGIN TRANSACTION;
CREATE TABLE declared (
    tenant text not null, owner text not null, run text not null, emails text not null, at real not null,
    primary key (tenant, owner)
);
INSERT INTO "declared" VALUES('scim golden','/accounts/test//ana','127.0.0.1:41613 8589 3279776','["ana.ruiz@example.com"]',1.79599501593283677105e+09);
INSERT INTO "declared" VALUES('scim golden','/accounts/test//inactive','127.0.0.1:41613 8589 3279776','["ina@example.com"]',1.79599501610550093657e+09);
INSERT INTO "declared" VALUES('scim golden','/accounts/test//adopted','127.0.0.1:41613 8589 3279776','["adele@example.com"]',1.79599501641388821599e+09);
INSERT INTO "declared" VALUES('scim golden','/accounts/test//guests:members','127.0.0.1:41613 8589 3279776','["kim@example.com", "max.strau\u00df@example.com"]',1.79599501651855349539e+09);
CREATE TABLE deeds (
    tenant text not null, email text not null, deed text not null, account text, owner text not null,
    at real not null, primary key (tenant, email)
);
INSERT INTO "deeds" VALUES('scim golden','ana.ruiz@example.com','MADE','6526758a-eeda-48a7-b29e-54f256b34034','/accounts/test//ana',1.7959950168928790092e+09);
INSERT INTO "deeds" VALUES('scim golden','ina@example.com','MADE','40360f39-4980-4f56-b0dd-6cd727f5e3f1','/accounts/test//inactive',1.79599501690013122565e+09);
INSERT INTO "deeds" VALUES('scim golden','kim@example.com','MADE','ab563334-e5e0-434f-842b-b94e40b39229','/accounts/test//guests:members',1.79599502185518312457e+09);
INSERT INTO "deeds" VALUES('scim golden','max.strauß@example.com','MADE','2094352e-170d-4ed0-8d40-bdecefddd290','/accounts/test//guests:members',1.79599502186280655857e+09);
CREATE TABLE doubts (
    tenant text not null, account text not null, why text not null, at real not null, primary key (tenant, account)
);
CREATE TABLE given_up (
    tenant text not null, account text not null, life text not null, run text not null, at real not null,
    primary key (tenant, account, life)
);
CREATE TABLE known (
    tenant text not null, account text not null, at real not null, primary key (tenant, account)
);
CREATE TABLE renewals (
    tenant text not null, account text not null, owner text not null, run text not null, at real not null,
    primary key (tenant, account)
);
INSERT INTO "renewals" VALUES('scim golden','6526758a-eeda-48a7-b29e-54f256b34034','/accounts/test//ana','127.0.0.1:41613 8589 3279776',1.79599501689318418505e+09);
INSERT INTO "renewals" VALUES('scim golden','40360f39-4980-4f56-b0dd-6cd727f5e3f1','/accounts/test//inactive','127.0.0.1:41613 8589 3279776',1.79599501690035629267e+09);
INSERT INTO "renewals" VALUES('scim golden','6e7f2c10-0001-4a1e-9d6e-000000000001/6526758a-eeda-48a7-b29e-54f256b34034','','127.0.0.1:41613 8589 3279776',1.79599501708252763752e+09);
INSERT INTO "renewals" VALUES('scim golden','304cce70-e07b-4f27-8e5f-ae5edea30a36','/accounts/test//adopted','127.0.0.1:41613 8589 3279776',1.79599502177750349049e+09);
INSERT INTO "renewals" VALUES('scim golden','2094352e-170d-4ed0-8d40-bdecefddd290','/accounts/test//guests:members','127.0.0.1:41613 8589 3279776',1.79599502186941838263e+09);
INSERT INTO "renewals" VALUES('scim golden','ab563334-e5e0-434f-842b-b94e40b39229','/accounts/test//guests:members','127.0.0.1:41613 8589 3279776',1.79599502186970615387e+09);
CREATE TABLE revisions (
    tenant text not null, account text not null, revision integer not null, at real not null,
    primary key (tenant, account)
);
INSERT INTO "revisions" VALUES('scim golden','304cce70-e07b-4f27-8e5f-ae5edea30a36',1,1.79599502178450322149e+09);
CREATE INDEX deeds_by_account on deeds (tenant, account);
CREATE INDEX deeds_by_owner on deeds (tenant, owner);
CREATE INDEX renewals_by_owner on renewals (tenant, owner);
COMMIT;
