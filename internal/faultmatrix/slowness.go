//go:build !race

package main

// slowness multiplies every limit of time.
const slowness = 1
