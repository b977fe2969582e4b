module mask-email

go 1.24

require sandgate v0.1.0

replace sandgate => ./third_party/sandgate
