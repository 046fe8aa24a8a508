package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// certificates of vCenter, signed by a CA, and of the hosts, which no CA knows:
// they can only be trusted by the thumbprint that comes with a ticket.
type certificates struct {
	vcenter, esx             tls.Certificate
	caFile                   string
	vcenterSHA256, esxSHA256 string
	vcenterSHA1, esxSHA1     string
}

func newCertificates(dir string) (*certificates, error) {
	c := &certificates{caFile: filepath.Join(dir, "ca.pem")}
	ca, err := newCertificate("slipway test CA", nil, nil)
	if err != nil {
		return nil, err
	}
	if c.vcenter, err = newCertificate("vcenter.test", &ca, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}); err != nil {
		return nil, err
	}
	if c.esx, err = newCertificate("esx.test", nil, nil); err != nil {
		return nil, err
	}
	c.vcenterSHA256 = thumbprint(sha256Sum(c.vcenter.Certificate[0]))
	c.esxSHA256 = thumbprint(sha256Sum(c.esx.Certificate[0]))
	c.vcenterSHA1 = sha1Thumbprint(c.vcenter.Certificate[0])
	c.esxSHA1 = sha1Thumbprint(c.esx.Certificate[0])
	return c, os.WriteFile(c.caFile, []byte(toPEM(ca.Certificate[0])), 0o644)
}

func newCertificate(name string, parent *tls.Certificate, ips []net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name, Organization: []string{"slipway test"}},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(365 * 24 * time.Hour),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{name, "localhost"},
		IPAddresses:           ips,
	}
	issuer, signer := t, any(key)
	if parent != nil {
		if issuer, err = x509.ParseCertificate(parent.Certificate[0]); err != nil {
			return tls.Certificate{}, err
		}
		signer = parent.PrivateKey
	} else if ips == nil && strings.HasSuffix(name, "CA") {
		t.IsCA, t.KeyUsage, t.ExtKeyUsage, t.DNSNames = true, x509.KeyUsageCertSign, nil, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, t, issuer, key.Public(), signer)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func sha256Sum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

func sha1Thumbprint(der []byte) string {
	sum := sha1.Sum(der)
	return thumbprint(sum[:])
}

func thumbprint(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

func toPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
