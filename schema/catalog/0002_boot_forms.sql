-- Boot forms that lie beside the upload, copies, what is kept warm in caches, and objects that
-- another image service keeps here.

-- Why an image has no boot form; null while it has one, or where nobody has tried.
alter table images add column boot_reason ordered_text;
-- An object of another image service: no image of this one's lists.
alter table images add column is_object bigint not null default 0 check (is_object in (0, 1));

drop index images_by_name;
drop index images_by_status;
drop index images_by_container_format;
drop index images_by_disk_format;
drop index images_by_size;
drop index images_by_created_at;
drop index images_by_updated_at;
drop index images_by_owner;
create index images_by_name on images (sort_name, created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_status on images (status, created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_container_format on images (sort_container_format, created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_disk_format on images (sort_disk_format, created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_size on images (sort_size, created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_created_at on images (created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_updated_at on images (updated_at, created_at, id)
    where status not in ('deleted', 'killed') and is_object = 0;
create index images_by_owner on images (owner, created_at, id);

-- Locations again, with the form 'boot' and several writers of one image.
create table locations_with_boot (
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
    state ordered_text not null check (state in ('writing', 'adding', 'live', 'garbage')),
    server ordered_text not null,
    created_at bigint not null,
    not_before bigint not null
);
insert into locations_with_boot
    select id, image_id, backend, datastore, datastore_ref, directory, data_file, descriptor, form,
           data_offset, stored_bytes, state, server, created_at, not_before
    from locations;
drop table locations;
alter table locations_with_boot rename to locations;

create unique index locations_one_writing on locations (image_id) where state = 'writing';
create unique index locations_directory on locations (backend, datastore, directory);
create index locations_by_image on locations (image_id, created_at, id);
create index locations_garbage on locations (not_before, id) where state = 'garbage';
create index locations_writing on locations (server) where state in ('writing', 'adding');

-- Transfers again, of more kinds.
create table transfers_of_all_kinds (
    id ordered_text not null primary key,
    image_id ordered_text not null references images (id),
    kind ordered_text not null check (kind in (
        'upload', 'download', 'clone', 'seed', 'copy', 'boot_form', 'evacuate')),
    bytes_through bigint not null check (bytes_through >= 0),
    bytes_copied bigint not null check (bytes_copied >= 0),
    seconds double precision not null check (seconds >= 0),
    path ordered_text not null,
    finished_at bigint not null,
    request_id ordered_text not null
);
insert into transfers_of_all_kinds
    select id, image_id, kind, bytes_through, bytes_copied, seconds, path, finished_at, request_id
    from transfers;
drop table transfers;
alter table transfers_of_all_kinds rename to transfers;
create index transfers_by_image on transfers (image_id, finished_at, id);

-- What is kept in the caches of compute services, and where.
create table seeds (
    image_id ordered_text not null references images (id),
    datacenter ordered_text not null,
    datastore ordered_text not null,
    base_folder ordered_text not null,
    backend ordered_text not null,
    -- Ascending, with commas between; empty: the disk alone.
    sizes_gib ordered_text not null,
    policy ordered_text not null,
    state ordered_text not null check (state in ('wanted', 'warm')),
    checked_at bigint not null,
    created_at bigint not null,
    primary key (image_id, datacenter, datastore, base_folder)
);
create index seeds_by_check on seeds (checked_at, image_id);

-- The name under which another image service knows an object of one of our stores.
create table objects (
    backend ordered_text not null,
    object_id ordered_text not null check (length(object_id) between 1 and 255),
    image_id ordered_text not null references images (id),
    created_at bigint not null,
    primary key (backend, object_id)
);
create unique index objects_by_image on objects (image_id);
