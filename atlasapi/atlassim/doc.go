// Package atlassim is a simulated MongoDB Atlas: an HTTP server that answers a part of the Atlas Administration API
// (projects, clusters and Flex clusters, their backup schedules, snapshots, exports and restores, export buckets, and
// Data Lake pipelines) from an organization in memory.
//
// It has two users. The program's command demo serves an active organization on the wall clock (see Demo, and Fleet for
// a large one). Tests build an organization by hand, drive it with a ManualClock, and inject faults. The package does
// not use the API client that is tested against it. It has its own types of the answers, so that a mistake in the
// client is not repeated here.
//
// An organization is plain data. Build it freely before a server uses it. After that, read and change it only within
// Organization.Do. Routines make it change: they plan events, which are carried out in order, up to the clock's current
// time, whenever somebody reads the organization.
package atlassim
