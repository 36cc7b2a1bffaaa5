# Writes OUT, a C source whose table embedded_files holds the texts of FILES
# (script/embedded.h).
#
#     cmake -D OUT=embedded.c -D FILES="a.lua;b.h" -P tools/embed.cmake
set(texts "")
set(rows "")
set(count 0)
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    file(READ ${file} hex HEX)
    file(SIZE ${file} len)
    string(REGEX REPLACE "(................................)" "\\1\n   " hex
        "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" " 0x\\1," hex "${hex}")
    string(APPEND texts
        "static const unsigned char text_${count}[] = {\n   ${hex} 0x00};\n")
    string(APPEND rows
        "    {\"${name}\", (const char *)text_${count}, ${len}},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by tools/embed.cmake. */
#include \"script/embedded.h\"

${texts}
const struct embedded embedded_files[] = {
${rows}};

const size_t embedded_count = ${count};
")
