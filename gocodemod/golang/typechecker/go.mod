module gocodemod.dev/typechecker

go 1.22
