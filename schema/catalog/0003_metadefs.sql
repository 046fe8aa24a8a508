-- Metadata definitions: what the properties of images, volumes and flavors mean, for those who
-- offer them to users. The server keeps them and looks into none.

create table metadef_namespaces (
    id ordered_text not null primary key check (length(id) between 1 and 36),
    name ordered_text not null check (length(name) between 1 and 80),
    display_name ordered_text check (length(display_name) <= 80),
    description ordered_text check (length(description) <= 500),
    visibility ordered_text not null check (visibility in ('private', 'public')),
    owner ordered_text check (length(owner) <= 255),
    protected bigint not null check (protected in (0, 1)),
    created_at bigint not null,
    updated_at bigint not null,
    -- Nullable sort keys as lists order them; see images.
    sort_display_name ordered_text generated always as (coalesce(display_name, '')) stored,
    sort_owner ordered_text generated always as (coalesce(owner, '')) stored
);

-- One walk for each sort key of a list, in both directions.
create unique index metadef_namespaces_by_name on metadef_namespaces (name);
create index metadef_namespaces_by_display_name on metadef_namespaces (sort_display_name, name);
create index metadef_namespaces_by_visibility on metadef_namespaces (visibility, name);
create index metadef_namespaces_by_owner on metadef_namespaces (sort_owner, name);
create index metadef_namespaces_by_protected on metadef_namespaces (protected, name);
create index metadef_namespaces_by_created_at on metadef_namespaces (created_at, name);
create index metadef_namespaces_by_updated_at on metadef_namespaces (updated_at, name);

create table metadef_properties (
    namespace_id ordered_text not null references metadef_namespaces (id),
    name ordered_text not null check (length(name) between 1 and 80),
    -- A JSON object.
    definition ordered_text not null,
    primary key (namespace_id, name)
);

create table metadef_objects (
    namespace_id ordered_text not null references metadef_namespaces (id),
    name ordered_text not null check (length(name) between 1 and 80),
    description ordered_text,
    -- A JSON array of names.
    required ordered_text not null,
    -- A JSON object: definitions by name.
    properties ordered_text not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (namespace_id, name)
);

create table metadef_tags (
    namespace_id ordered_text not null references metadef_namespaces (id),
    name ordered_text not null check (length(name) between 1 and 80),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (namespace_id, name)
);
create index metadef_tags_by_created_at on metadef_tags (namespace_id, created_at, name);
create index metadef_tags_by_updated_at on metadef_tags (namespace_id, updated_at, name);

create table metadef_resource_types (
    name ordered_text not null primary key check (length(name) between 1 and 80),
    created_at bigint not null,
    updated_at bigint not null
);

-- Which namespaces concern which resource types.
create table metadef_associations (
    namespace_id ordered_text not null references metadef_namespaces (id),
    resource_type ordered_text not null references metadef_resource_types (name),
    prefix ordered_text check (length(prefix) <= 80),
    properties_target ordered_text check (length(properties_target) <= 80),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (namespace_id, resource_type)
);
create index metadef_associations_by_type on metadef_associations (resource_type, namespace_id);
