package main

import "net/http"

type leaseTable struct{}

func newLeaseTable() *leaseTable { return new(leaseTable) }

func (v *vcenter) serveNFC(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
