module sandgate

go 1.24
