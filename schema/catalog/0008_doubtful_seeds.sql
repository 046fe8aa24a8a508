-- What lies in a cache may be of bytes that the image never came to have.

alter table seeds add column doubtful bigint not null default 0 check (doubtful in (0, 1));
-- The negative of the time said so.
update seeds set doubtful = 1, checked_at = -checked_at where checked_at < 0;
