// Package disk is a disk for tests: it keeps a record of every byte that SQLite
// writes and of every sync that it waits for, cuts the power at any moment, and
// fails where it is told to.
//
// A library put before libc (preload/disk.c, compiled by Make) sees the writes.
// From its record Cut makes the folder as the disk may have it after a power
// cut: what was synced is there, and of the rest any sectors, whole, torn or
// none, as the seed has it. What Go itself writes, the making of an empty file
// or a rename, is not seen, and stands as if it were synced at once.
package disk
