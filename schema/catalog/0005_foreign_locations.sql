-- Locations whose bytes slipway did not write, and the register of the image cache.

-- The URL by which a client named the bytes; null for those that slipway wrote.
alter table locations add column url ordered_text;
-- What clients keep beside a location, as a JSON object.
alter table locations add column metadata ordered_text not null default '{}';

-- Two images may name one file that is not slipway's; their rows never lead to a removal.
drop index locations_directory;
create unique index locations_directory on locations (backend, datastore, directory)
    where url is null;

-- Images that the image cache of a node counts as cached; it holds no bytes.
create table cached_images (
    node ordered_text not null check (length(node) between 1 and 255),
    image_id ordered_text not null references images (id),
    number bigint not null,
    hits bigint not null check (hits >= 0),
    cached_at bigint not null,
    last_accessed bigint not null,
    primary key (node, image_id)
);
create unique index cached_images_by_number on cached_images (node, number);
create index cached_images_by_image on cached_images (image_id);
