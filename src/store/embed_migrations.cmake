# cmake -DOUTPUT=x.cc -DINPUTS=a.sql,b.sql -P embed_migrations.cmake
#   Writes a source file that holds the migrations, in the order given.
string(REPLACE "," ";" INPUTS "${INPUTS}")
set(rows "")
foreach(input IN LISTS INPUTS)
    get_filename_component(name ${input} NAME_WE)
    string(REGEX MATCH "^[0-9]+" number ${name})
    string(REGEX REPLACE "^0+" "" number ${number})
    file(READ ${input} sql)
    string(APPEND rows "    Migration{${number}, \"${name}\", R\"__sql__(${sql})__sql__\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"store/migrations.h\"

namespace slipway::store {

namespace {

constexpr Migration kMigrations[] = {
${rows}};

}  // namespace

std::span<const Migration> catalog_migrations() { return kMigrations; }

}  // namespace slipway::store
")
