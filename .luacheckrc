std = "luajit"
max_line_length = 80
unused_args = false
files["spec"] = { std = "luajit+busted" }
files["spec/support"] = { std = "luajit+busted" }
files["examples/*_spec.lua"] = { std = "luajit+busted" }
