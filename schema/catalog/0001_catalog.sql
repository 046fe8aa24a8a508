-- The catalogue's first schema. Times are microseconds since 1970, UTC. Truth values are 0 and 1.

create table catalog_info (
    only_row bigint not null primary key check (only_row = 1),
    catalog_id ordered_text not null
);

-- A deleted image stays as a row, so that its id is never used again.
create table images (
    id ordered_text not null primary key check (length(id) = 36),
    name ordered_text check (length(name) <= 255),
    status ordered_text not null check (status in (
        'queued', 'saving', 'uploading', 'importing', 'active', 'deactivated', 'pending_delete',
        'killed', 'deleted')),
    visibility ordered_text not null check (visibility in ('private', 'shared', 'community', 'public')),
    owner ordered_text check (length(owner) <= 255),
    size bigint check (size >= 0),
    virtual_size bigint check (virtual_size >= 0),
    disk_format ordered_text check (length(disk_format) <= 255),
    container_format ordered_text check (length(container_format) <= 255),
    min_disk bigint not null check (min_disk between 0 and 2147483647),
    min_ram bigint not null check (min_ram between 0 and 2147483647),
    protected bigint not null check (protected in (0, 1)),
    hidden bigint not null check (hidden in (0, 1)),
    checksum ordered_text check (length(checksum) <= 255),
    os_hash_algo ordered_text check (length(os_hash_algo) <= 255),
    os_hash_value ordered_text check (length(os_hash_value) <= 255),
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    -- The boot form: all of it, or nothing.
    boot_disk_type ordered_text,
    boot_size bigint check (boot_size >= 0),
    boot_capacity bigint check (boot_capacity >= 0),
    boot_checksum ordered_text,
    boot_os_hash_value ordered_text,
    -- Nullable sort keys as lists order them. Columns, since only columns take part in a comparison
    -- of whole rows, by which a page finds its start in an index.
    sort_name ordered_text generated always as (coalesce(name, '')) stored,
    sort_disk_format ordered_text generated always as (coalesce(disk_format, '')) stored,
    sort_container_format ordered_text generated always as (coalesce(container_format, '')) stored,
    sort_size bigint generated always as (coalesce(size, 0)) stored,
    check ((boot_disk_type is null) = (boot_size is null)),
    check ((boot_disk_type is null) = (boot_capacity is null)),
    check ((boot_disk_type is null) = (boot_checksum is null)),
    check ((boot_disk_type is null) = (boot_os_hash_value is null)),
    check ((status = 'deleted') = (deleted_at is not null))
);

-- One walk for each sort key of a list, in both directions.
create index images_by_name on images (sort_name, created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_status on images (status, created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_container_format on images (sort_container_format, created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_disk_format on images (sort_disk_format, created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_size on images (sort_size, created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_created_at on images (created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_updated_at on images (updated_at, created_at, id)
    where status not in ('deleted', 'killed');
create index images_by_owner on images (owner, created_at, id);

create table image_properties (
    image_id ordered_text not null references images (id),
    name ordered_text not null check (length(name) between 1 and 255),
    value ordered_text,
    primary key (image_id, name)
);

create table image_tags (
    image_id ordered_text not null references images (id),
    tag ordered_text not null check (length(tag) <= 255),
    primary key (image_id, tag)
);

create table image_members (
    image_id ordered_text not null references images (id),
    project ordered_text not null check (length(project) between 1 and 255),
    status ordered_text not null check (status in ('pending', 'accepted', 'rejected')),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (image_id, project)
);

create table locations (
    id ordered_text not null primary key check (length(id) between 1 and 36),
    image_id ordered_text not null references images (id),
    backend ordered_text not null,
    datastore ordered_text not null,
    datastore_ref ordered_text not null,
    directory ordered_text not null,
    data_file ordered_text not null,
    descriptor ordered_text not null,
    form ordered_text not null check (form in ('original', 'sparse', 'flat')),
    data_offset bigint not null check (data_offset >= 0),
    stored_bytes bigint not null check (stored_bytes >= 0),
    state ordered_text not null check (state in ('writing', 'live', 'garbage')),
    server ordered_text not null,
    created_at bigint not null,
    not_before bigint not null
);

create unique index locations_one_writing on locations (image_id) where state = 'writing';
-- No two rows name one directory, or removing garbage could remove a live image.
create unique index locations_directory on locations (backend, datastore, directory);
create index locations_by_image on locations (image_id, created_at, id);
create index locations_garbage on locations (not_before, id) where state = 'garbage';
create index locations_writing on locations (server) where state = 'writing';

-- A task keeps the id of the location it read after that location is gone.
create table tasks (
    id ordered_text not null primary key check (length(id) between 1 and 36),
    kind ordered_text not null check (length(kind) between 1 and 64),
    image_id ordered_text not null references images (id),
    owner ordered_text check (length(owner) <= 255),
    location_id ordered_text not null,
    status ordered_text not null check (status in (
        'pending', 'running', 'success', 'failure', 'cancelled')),
    progress bigint not null check (progress between 0 and 100),
    input ordered_text not null,
    checkpoint ordered_text not null,
    error_code ordered_text,
    error_message ordered_text,
    error_reason ordered_text,
    cancel_requested bigint not null check (cancel_requested in (0, 1)),
    bytes_through bigint check (bytes_through >= 0),
    bytes_copied bigint check (bytes_copied >= 0),
    seconds double precision check (seconds >= 0),
    path ordered_text,
    server ordered_text not null,
    claimed_until bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    request_id ordered_text not null
);

create index tasks_by_created_at on tasks (created_at, id);
create index tasks_by_owner on tasks (owner, created_at, id);
create index tasks_by_image on tasks (image_id, created_at, id);
create index tasks_open on tasks (created_at, id) where status in ('pending', 'running');
create index tasks_pins on tasks (location_id) where status in ('pending', 'running');

-- What every upload, download and clone cost.
create table transfers (
    id ordered_text not null primary key,
    image_id ordered_text not null references images (id),
    kind ordered_text not null check (kind in ('upload', 'download', 'clone')),
    bytes_through bigint not null check (bytes_through >= 0),
    bytes_copied bigint not null check (bytes_copied >= 0),
    seconds double precision not null check (seconds >= 0),
    path ordered_text not null,
    finished_at bigint not null,
    request_id ordered_text not null
);

create index transfers_by_image on transfers (image_id, finished_at, id);

-- Processes that write. The epoch tells two lives of one name apart.
create table servers (
    name ordered_text not null primary key check (length(name) between 1 and 255),
    epoch ordered_text not null,
    lease_until bigint not null
);
