#!/usr/bin/env bash
# Lets real clients judge the simulated vCenter: govc, pyVmomi and oslo.vmware. Needs
# build/vcenter/{vcenter,govc} and the environments of tests/peers.
set -euo pipefail
cd "$(dirname "$0")/../.."

vcenter=$PWD/build/vcenter/vcenter
tests/vcenter/judge_govc.sh "$vcenter" "$PWD/build/vcenter/govc"
build/venvs/vsphere/bin/python tests/vcenter/judge_pyvmomi.py "$vcenter"
build/venvs/compute/bin/python tests/vcenter/judge_oslo.py "$vcenter"
