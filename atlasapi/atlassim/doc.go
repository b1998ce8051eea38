// Package atlassim is a simulated MongoDB Atlas: one HTTP server that answers a part of the Atlas Administration API
// (projects, clusters and flex clusters, their backup schedules, snapshots, exports and restores, export buckets, and Data
// Lake pipelines) out of an organization held in memory.
//
// It has two users. The program's demo command serves a lively organization on the wall clock (see Demo, and Fleet for a
// big one), and tests build an organization by hand, drive it with a ManualClock and inject faults. The package knows nothing of the API
// client that is tested against it: it has its own wire types, so that a mistake of the client is not mirrored here.
//
// An organization is plain data. Build it freely before it is served; once a server answers from it, read and change it
// inside Organization.Do only. Rules (routines) make it live: they are events in time, carried out in order whenever
// somebody looks, up to the clock's now and never beyond it.
package atlassim
