-- A task whose failure may pass waits, and is tried again.

alter table tasks add column not_before bigint not null default 0;
