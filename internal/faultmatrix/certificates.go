package main

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
	"time"
)

// makeCertificates makes an authority, the certificate of a good server, and certificates that no client may accept: of
// another host, expired, and of an authority that nobody knows.
func (c *connections) makeCertificates() error {
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	stranger, err := newAuthority()
	if err != nil {
		return err
	}
	c.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.own.Certificate[0]})
	here, elsewhere := net.IPv4(127, 0, 0, 1), net.IPv4(192, 0, 2, 1)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	good, err := authority.issue(here, tomorrow)
	if err != nil {
		return err
	}
	for _, spoiled := range []struct {
		by      *issuer
		address net.IP
		until   time.Time
	}{{authority, elsewhere, tomorrow}, {authority, here, yesterday}, {stranger, here, tomorrow}} {
		bad, err := spoiled.by.issue(spoiled.address, spoiled.until)
		if err != nil {
			return err
		}
		c.bad = append(c.bad, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*bad}, NextProtos: []string{"h2", "http/1.1"}})
	}
	c.tls = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*good}, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: c.handshake,
	}
	return nil
}

// issuer is an authority that signs certificates.
type issuer struct{ own tls.Certificate }

func newAuthority() (*issuer, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "fault matrix"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	made, err := sign(template, nil)
	return &issuer{made}, err
}

func (i *issuer) issue(address net.IP, until time.Time) (*tls.Certificate, error) {
	made, err := sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: address.String()}, IPAddresses: []net.IP{address},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, i)
	return &made, err
}

// sign makes a certificate, signed by an issuer or by itself.
func sign(template *x509.Certificate, by *issuer) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	parent, signer := template, any(key)
	if by != nil {
		if parent, err = x509.ParseCertificate(by.own.Certificate[0]); err != nil {
			return tls.Certificate{}, err
		}
		signer = by.own.PrivateKey
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, err
}
