--- Loaded once before the spec files: busted forgets what a file required when
-- the file ends, but what was declared to the FFI cannot be declared again, so
-- the modules that declare things are loaded here and stay.
require "support.libc"
require "support.loop"
require "support.net"
require "support.process"
require "support.ffi"
require "support.moongate"
require "support.stream"
require "support.exchange"
require "support.rsa"
