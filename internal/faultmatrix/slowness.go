//go:build !race

package faultmatrix

// slowness multiplies every limit of time.
const slowness = 1
