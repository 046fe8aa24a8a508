#!/bin/sh
# Lets real govc judge the simulated vCenter: every command must work, and the
# checker must not have refused one of its requests.
# usage: judge_govc.sh VCENTER GOVC   (both built from this module; needs curl)
set -eu
vcenter=$1 govc=$2
command -v curl >/dev/null || { echo "judge_govc: curl is needed" >&2; exit 1; }
work=$(mktemp -d)
mkfifo "$work/hello"
"$vcenter" -state "$work/state" >"$work/hello" 2>"$work/log" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
read -r hello <"$work/hello"
field() { printf '%s' "$hello" | sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p"; }
url=${hello#*\"url\":\"}; url=${url%%\"*}
control=${hello#*\"control\":\"}; control=${control%%\"*}
ca=${hello#*\"ca_file\":\"}; ca=${ca%%\"*}

export GOVC_URL="$url" GOVC_USERNAME=user GOVC_PASSWORD=pass GOVC_TLS_CA_CERTS="$ca"
export GOVC_DATACENTER=DC0 GOVC_DATASTORE=images GOVMOMI_HOME="$work" GOVC_PERSIST_SESSION=false

count=0
run() {
    count=$((count + 1))
    if ! "$govc" "$@" >"$work/out" 2>&1; then
        echo "FAILED: govc $*"; cat "$work/out"; exit 1
    fi
}
fails() {
    count=$((count + 1))
    if "$govc" "$@" >"$work/out" 2>&1; then
        echo "SHOULD FAIL: govc $*"; exit 1
    fi
}
shows() { grep -q -- "$1" "$work/out" || { echo "no '$1' in:"; cat "$work/out"; exit 1; }; }

run about; shows VirtualCenter
run ls /; shows DC0
run ls -l /F0/DC1/datastore; shows images
run find / -type h; shows 127.0.0.2
run datastore.info images; shows VMFS
run datastore.info nfs1; shows NFS
run object.collect -s /DC0/datastore/images summary.maintenanceMode; shows normal

head -c 3000000 /dev/urandom >"$work/blob"
run datastore.mkdir -p dir/sub
fails datastore.upload "$work/blob" missing/blob
run datastore.upload "$work/blob" dir/blob
run datastore.download dir/blob "$work/back"
cmp "$work/blob" "$work/back"
run datastore.download dir/blob - ; cmp "$work/blob" "$work/out"
run datastore.ls -l dir; shows blob
run datastore.ls -R; shows sub
run datastore.cp dir/blob dir/sub/copy
run datastore.mv dir/sub/copy dir/moved
run datastore.ls dir; shows moved
fails datastore.ls nowhere
run datastore.rm dir/moved
fails datastore.rm dir/moved

run datastore.disk.create -size 20M dir/disk.vmdk
fails datastore.disk.create -size 20M dir/disk.vmdk
run datastore.disk.info -d dir/disk.vmdk; shows vmdk
run datastore.cp dir/disk.vmdk dir/other.vmdk
run datastore.disk.extend -size 30M dir/other.vmdk || true
run datastore.ls -l -R dir; shows other-flat.vmdk
run datastore.download dir/other.vmdk - ; shows 'other-flat.vmdk'
run datastore.mv dir/other.vmdk dir/third.vmdk
run datastore.rm dir/third.vmdk
run extension.info org.openstack.compute
run host.info -host 127.0.0.2; shows 127.0.0.2

run vm.create -m 64 -c 1 -g otherGuest -disk 16M -on=false -host 127.0.0.2 judge
run vm.info judge; shows judge
run datastore.ls -l judge; shows judge-flat.vmdk
run vm.clone -vm judge -on=false -host 127.0.0.2 twin
run datastore.ls -l twin; shows twin-flat.vmdk
run vm.power -on judge
run vm.power -off -force judge
run vm.destroy judge
run vm.unregister twin
run datastore.ls twin; shows twin.vmdk
run session.ls
run tasks

refused=$(curl -fsS "$control/counters" | sed -n 's/.*"refused":\([0-9]*\).*/\1/p')
[ "$refused" = 0 ] || { curl -fsS "$control/journal"; echo "'$refused' requests refused"; exit 1; }
echo "ok: $count commands of govc"
