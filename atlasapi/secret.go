package atlasapi

import "fmt"

const redacted = "<secret>"

// Secret is a string that prints as "<secret>", whatever the verb. Only Reveal returns the real value.
type Secret string

// Reveal returns the secret itself. Send it to Atlas, and never print it.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string { return redacted }

// Format hides the secret from every fmt verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText hides the secret from every text encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML hides the secret from a printed configuration.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }
