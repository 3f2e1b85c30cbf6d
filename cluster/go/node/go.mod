// The small programs of the local node that exist nowhere as a package. Standard library only.
module floe-e2e.local/node

go 1.24.0
