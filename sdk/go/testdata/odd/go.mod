module odd

go 1.24

require sandgate v0.1.0

replace sandgate => ../..
