package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates for one test.
type Authority struct {
	cert *x509.Certificate
	own  tls.Certificate
}

// NewAuthority makes an authority that signed itself.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	own := sign(t, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return &Authority{cert: own.Leaf, own: own}
}

// PEM returns the authority's certificate, for a client that is to trust it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Server makes a certificate for a server at an address that is valid until a time; the zero time is tomorrow.
func (a *Authority) Server(t testing.TB, address net.IP, until time.Time) tls.Certificate {
	t.Helper()
	return sign(t, a, &x509.Certificate{
		Subject: pkix.Name{CommonName: address.String()}, IPAddresses: []net.IP{address}, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// Client makes a certificate for a client of this name.
func (a *Authority) Client(t testing.TB, name string) tls.Certificate {
	t.Helper()
	return sign(t, a, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// sign completes a certificate and has the authority sign it; without an authority it signs itself.
func sign(t testing.TB, by *Authority, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.cert, by.own.PrivateKey
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

// WriteCertificate writes a certificate and its key to name.crt and name.key in a directory.
func WriteCertificate(t testing.TB, dir, name string, certificate tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}, ".key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name+file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
