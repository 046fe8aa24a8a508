package main

import (
	"net"
	"syscall"
)

// peerGone peeks at a socket: it tells whether the other side has closed it.
func peerGone(c *net.TCPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		var info [1]byte
		n, _, e := syscall.Recvfrom(int(fd), info[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = e == nil && n == 0 || e != nil && e != syscall.EAGAIN && e != syscall.EINTR
	})
	return gone || err != nil
}
