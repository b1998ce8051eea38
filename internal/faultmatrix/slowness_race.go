//go:build race

package faultmatrix

// slowness multiplies every limit of time: the race detector makes programs several times slower.
const slowness = 4
