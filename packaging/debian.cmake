# The Debian package: `make deb`.  Pages and the list of changes are compressed
# as Debian has them; files below /etc belong to whoever edits them.

set(MOONGATE_DEB_VERSION ${PROJECT_VERSION} CACHE STRING "of the package")
# Whoever hands packages out says who answers for them; this address is nobody's.
set(MOONGATE_DEB_MAINTAINER "The Moongate developers <moongate@moongate.invalid>"
    CACHE STRING "of the package: NAME <ADDRESS>")
set(CPACK_PACKAGE_VERSION ${MOONGATE_DEB_VERSION})
install(FILES conf/moongate.ini DESTINATION /etc/moongate)
install(FILES conf/logrotate/moongate DESTINATION /etc/logrotate.d)
configure_file(packaging/copyright.in generated/copyright @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/copyright
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
configure_file(packaging/changelog.in generated/changelog @ONLY)
install(CODE "
    set(root \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
    execute_process(COMMAND gzip -9nc
        ${CMAKE_BINARY_DIR}/generated/changelog
        OUTPUT_FILE \"\${root}/share/doc/moongate/changelog.gz\"
        COMMAND_ERROR_IS_FATAL ANY)
    file(GLOB pages \"\${root}/share/man/man?/*.[578]\")
    execute_process(COMMAND gzip -9nf \${pages}
        COMMAND_ERROR_IS_FATAL ANY)")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME moongate)
set(CPACK_PACKAGE_CONTACT "${MOONGATE_DEB_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "programmable balancer for PHP and MySQL stacks")
set(CPACK_PACKAGE_DESCRIPTION
    "Serves static files, balances PHP over FastCGI nodes and connections over
the nodes of a MySQL cluster. Every decision is a Lua script, which can be
exchanged while connections run.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "logrotate")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(name conffiles postinst prerm postrm)
    list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
        ${CMAKE_SOURCE_DIR}/packaging/debian/${name})
endforeach()
include(CPack)
