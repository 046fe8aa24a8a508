-- Data put by for an import, and the tasks that the Image API shows.

-- Locations again, with the state 'staged'.
create table locations_with_staged (
    id ordered_text not null primary key check (length(id) between 1 and 36),
    image_id ordered_text not null references images (id),
    backend ordered_text not null,
    datastore ordered_text not null,
    datastore_ref ordered_text not null,
    directory ordered_text not null,
    data_file ordered_text not null,
    descriptor ordered_text not null,
    form ordered_text not null check (form in ('original', 'sparse', 'flat', 'boot')),
    data_offset bigint not null check (data_offset >= 0),
    stored_bytes bigint not null check (stored_bytes >= 0),
    state ordered_text not null check (state in ('writing', 'adding', 'staged', 'live', 'garbage')),
    server ordered_text not null,
    created_at bigint not null,
    not_before bigint not null
);
insert into locations_with_staged
    select id, image_id, backend, datastore, datastore_ref, directory, data_file, descriptor, form,
           data_offset, stored_bytes, state, server, created_at, not_before
    from locations;
drop table locations;
alter table locations_with_staged rename to locations;

create unique index locations_one_writing on locations (image_id) where state = 'writing';
create unique index locations_one_staged on locations (image_id) where state = 'staged';
create unique index locations_directory on locations (backend, datastore, directory);
create index locations_by_image on locations (image_id, created_at, id);
create index locations_garbage on locations (not_before, id) where state = 'garbage';
create index locations_writing on locations (server) where state in ('writing', 'adding');

-- What the bytes of a staged location have shown while they passed, as JSON.
create table staged_facts (
    location_id ordered_text not null primary key,
    size bigint not null check (size >= 0),
    facts ordered_text not null
);

-- Transfers again: what a task cost is kept under its kind, whatever kinds there are.
create table transfers_of_every_kind (
    id ordered_text not null primary key,
    image_id ordered_text not null references images (id),
    kind ordered_text not null check (length(kind) between 1 and 64),
    bytes_through bigint not null check (bytes_through >= 0),
    bytes_copied bigint not null check (bytes_copied >= 0),
    seconds double precision not null check (seconds >= 0),
    path ordered_text not null,
    finished_at bigint not null,
    request_id ordered_text not null
);
insert into transfers_of_every_kind
    select id, image_id, kind, bytes_through, bytes_copied, seconds, path, finished_at, request_id
    from transfers;
drop table transfers;
alter table transfers_of_every_kind rename to transfers;
create index transfers_by_image on transfers (image_id, finished_at, id);

-- What the Image API calls a task; empty for tasks that it does not show.
alter table tasks add column api_type ordered_text not null default '';
alter table tasks add column user_id ordered_text;
-- Shown until then; 0 while it is not over.
alter table tasks add column expires_at bigint not null default 0;
