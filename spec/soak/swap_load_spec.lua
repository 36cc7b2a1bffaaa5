--- A thousand swaps while wrk and sysbench work through the scripts: ten rounds
-- of what a test does in four.
local swaps = assert(loadfile("spec/real/swap_load_spec.lua"))

setfenv(swaps, getfenv(1))(10)
