-- Locations of images that were taken over from another image service.

-- With a URL: that service wrote the file for this image, so it is removed with the location.
alter table locations add column owned bigint not null default 0 check (owned in (0, 1));

-- Who else names a file.
create index locations_file on locations (backend, datastore, directory, data_file);
-- A file goes with one image only.
create unique index locations_owned on locations (backend, datastore, directory, data_file)
    where owned = 1;
