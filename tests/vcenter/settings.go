package main

import (
	"sync"
	"time"
)

// settings can be changed at any time through the control port.
type settings struct {
	mu sync.Mutex
	settingValues
}

type settingValues struct {
	TaskRate           int64  `json:"task_rate"`
	TaskBaseMS         int64  `json:"task_base_ms"`
	TicketSeconds      int64  `json:"ticket_seconds"`
	LeaseSeconds       int64  `json:"lease_seconds"`
	FolderMkdir        bool   `json:"folder_mkdir"`
	AcceptFloat        bool   `json:"accept_float"`
	NFCHost            string `json:"nfc_host"`
	PartialPut         string `json:"partial_put"`
	ESX                string `json:"esx"`
	SessionIdleSeconds int64  `json:"session_idle_seconds"`
	SessionLimit       int    `json:"session_limit"`
	PageSize           int32  `json:"page_size"`
	UpdatePage         int32  `json:"update_page"`
	APIType            string `json:"api_type"`
}

func newSettings(opt options) *settings {
	return &settings{settingValues: settingValues{
		TaskBaseMS:         max(opt.taskStep.Milliseconds(), 0) * 3,
		TicketSeconds:      120,
		LeaseSeconds:       300,
		FolderMkdir:        opt.folderMkdir,
		AcceptFloat:        opt.acceptFloat,
		NFCHost:            "esx",
		PartialPut:         "truncated",
		ESX:                "up",
		SessionIdleSeconds: 1800,
		PageSize:           100,
		UpdatePage:         100,
		APIType:            apiVirtualCenter,
	}}
}

// What the server says it is. As HostAgent it also takes a destSpec, like an
// ESXi host; its inventory stays that of a vCenter.
const (
	apiVirtualCenter = "VirtualCenter"
	apiHostAgent     = "HostAgent"
)

func (s *settings) get() settingValues {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settingValues
}

func (s *settings) set(v settingValues) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settingValues = v
}

func (s *settings) esxMode() string { return s.get().ESX }

func (v settingValues) sessionIdle() time.Duration {
	return time.Duration(v.SessionIdleSeconds) * time.Second
}
