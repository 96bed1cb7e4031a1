"""The life of one account.

Read in this order: `owner`, `properties` (what the engine keeps), `state` (how it is compared), `list_cache` (the
vendor's list), `ports` (what a tenant and its journal offer), `account_list`, `finding`, `existing`, `holders`,
`writing`, `updating`, `resuming`, `reading_back`, `creating`, `lifecycle`, and last `resource`, which a Pulumi provider
calls.

The others are small and can be read when a name of theirs comes up: `ownership` (which resource manages an account in
this run), `answers` (which answers to creates are trusted), `exchanges` (e-mails that move), `removals` (the limit of
a run), `refusals` (errors), `notices` and `waiting` (what is reported).
"""
