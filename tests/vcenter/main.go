// Command vcenter is a simulated vCenter for tests: govmomi's simulator with
// strict requests, real virtual disks, file access, faults on demand and a journal.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	listen, control, esxListen string
	state                      string
	user, password             string
	acceptFloat, folderMkdir   bool
	wsdlDir                    string
	inventory                  string
	taskStep                   time.Duration
	stdinExit                  bool
}

func parseFlags(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("vcenter", flag.ContinueOnError)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of /sdk and /folder (TLS)")
	fs.StringVar(&o.control, "control", "127.0.0.1:0", "address of the control port (plain HTTP)")
	fs.StringVar(&o.esxListen, "esx-listen", "127.0.0.1:0", "address of the ESX hosts; only the port counts")
	fs.StringVar(&o.state, "state", "", "directory for datastores and certificates (required)")
	fs.StringVar(&o.user, "username", "user", "the one account that may log in")
	fs.StringVar(&o.password, "password", "pass", "its password")
	fs.BoolVar(&o.acceptFloat, "accept-float", false, "read 4096.0 as an integer instead of refusing it")
	fs.BoolVar(&o.folderMkdir, "folder-mkdir", false, "let PUT on /folder create missing directories")
	fs.StringVar(&o.wsdlDir, "wsdl-dir", "", "directory of the .wsdl and .xsd files served under /sdk")
	fs.StringVar(&o.inventory, "inventory", "", "JSON file that replaces the default inventory")
	fs.DurationVar(&o.taskStep, "task-step", 2*time.Millisecond, "pause between two steps of a task")
	fs.BoolVar(&o.stdinExit, "stdin-exit", false, "end when standard input is closed")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.state == "" || fs.NArg() != 0 {
		return o, fmt.Errorf("usage: vcenter -state DIR [flags]")
	}
	return o, nil
}

func main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	opt, err := parseFlags(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	v, err := start(opt)
	if err != nil {
		log.Fatal(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(v.hello())
	if opt.stdinExit {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			end <- syscall.SIGTERM
		}()
	}
	<-end
	v.close()
}
