module github.com/varvedb/varve

go 1.26
