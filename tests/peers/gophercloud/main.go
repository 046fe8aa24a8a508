// Gophercloud's client of the Image API, as Terraform and the operators of Kubernetes use it, driven through
// all that it has calls for. Prints one JSON object for each flow: {"flow", "error"}; error is empty when the
// answers were right. Every user has the same password.
//
//	gophercloud -auth-url http://127.0.0.1:5000/v3 -password secret
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imageimport"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/tasks"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

const importLimit = 300 * time.Second

// What every flow has at hand: clients of the three users, and the id of alt's project.
type cloud struct {
	demo, alt, admin *gophercloud.ServiceClient
	altProject       string
}

type flow struct {
	name string
	run  func(context.Context, *cloud) error
}

var flows = []flow{
	{"create and show", createAndShow},
	{"upload and download", uploadAndDownload},
	{"list in pages", listInPages},
	{"update and tags", updateAndTags},
	{"members", shareWithMember},
	{"stage and import", stageAndImport},
	{"tasks", listTasks},
	{"errors", errorsAreTyped},
	{"delete", deleteImage},
}

func main() {
	authURL := flag.String("auth-url", "", "of Keystone, with /v3")
	password := flag.String("password", "", "of every user")
	flag.Parse()
	ctx := context.Background()
	c, err := connect(ctx, *authURL, *password)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gophercloud:", err)
		os.Exit(2)
	}
	for _, f := range flows {
		report(f.name, f.run(ctx, c))
	}
}

func report(name string, err error) {
	result := map[string]string{"flow": name, "error": ""}
	if err != nil {
		result["error"] = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(result)
}

func connect(ctx context.Context, authURL, password string) (*cloud, error) {
	clients := map[string]*gophercloud.ServiceClient{}
	projects := map[string]string{}
	for _, user := range []string{"demo", "alt", "admin"} {
		provider, err := openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
			IdentityEndpoint: authURL, Username: user, Password: password, DomainID: "default", TenantName: user,
		})
		if err != nil {
			return nil, fmt.Errorf("as %s: %w", user, err)
		}
		client, err := openstack.NewImageV2(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
		if err != nil {
			return nil, fmt.Errorf("as %s: %w", user, err)
		}
		clients[user] = client
		made, err := images.Create(ctx, client, images.CreateOpts{Name: "whose"}).Extract()
		if err != nil {
			return nil, fmt.Errorf("as %s: %w", user, err)
		}
		projects[user] = made.Owner
		if err := images.Delete(ctx, client, made.ID).ExtractErr(); err != nil {
			return nil, fmt.Errorf("as %s: %w", user, err)
		}
	}
	return &cloud{clients["demo"], clients["alt"], clients["admin"], projects["alt"]}, nil
}

func create(ctx context.Context, c *cloud, name string) (*images.Image, error) {
	return images.Create(ctx, c.demo, images.CreateOpts{
		Name: name, ContainerFormat: "bare", DiskFormat: "raw", MinDisk: 1, Tags: []string{"first"},
		Properties: map[string]string{"os_distro": "debian"},
	}).Extract()
}

func createAndShow(ctx context.Context, c *cloud) error {
	made, err := create(ctx, c, "shown")
	if err != nil {
		return err
	}
	if !slices.Contains(made.OpenStackImageImportMethods, "glance-direct") {
		return fmt.Errorf("the methods of import are %q", made.OpenStackImageImportMethods)
	}
	shown, err := images.Get(ctx, c.demo, made.ID).Extract()
	if err != nil {
		return err
	}
	if shown.Name != "shown" || shown.Status != images.ImageStatusQueued || shown.MinDiskGigabytes != 1 ||
		shown.Properties["os_distro"] != "debian" || shown.CreatedAt.IsZero() {
		return fmt.Errorf("shown as %+v", shown)
	}
	return nil
}

func uploadAndDownload(ctx context.Context, c *cloud) error {
	made, err := create(ctx, c, "data")
	if err != nil {
		return err
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	if err := imagedata.Upload(ctx, c.demo, made.ID, bytes.NewReader(data)).ExtractErr(); err != nil {
		return err
	}
	shown, err := images.Get(ctx, c.demo, made.ID).Extract()
	if err != nil {
		return err
	}
	if shown.Status != images.ImageStatusActive || shown.SizeBytes != int64(len(data)) {
		return fmt.Errorf("%s with %d bytes", shown.Status, shown.SizeBytes)
	}
	body, err := imagedata.Download(ctx, c.demo, made.ID).Extract()
	if err != nil {
		return err
	}
	defer body.Close()
	read, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if !bytes.Equal(read, data) {
		return fmt.Errorf("other bytes came back: %d of %d", len(read), len(data))
	}
	return nil
}

func listInPages(ctx context.Context, c *cloud) error {
	want := map[string]bool{}
	for range 5 {
		made, err := create(ctx, c, "page")
		if err != nil {
			return err
		}
		want[made.ID] = true
	}
	pages := 0
	opts := images.ListOpts{Name: "page", Limit: 2, SortKey: "created_at", SortDir: "asc"}
	err := images.List(c.demo, opts).EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		found, err := images.ExtractImages(page)
		if err != nil {
			return false, err
		}
		pages++
		for _, image := range found {
			if !want[image.ID] {
				return false, fmt.Errorf("%s came twice, or is another", image.ID)
			}
			delete(want, image.ID)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if len(want) != 0 || pages != 3 {
		return fmt.Errorf("%d images were missing on %d pages", len(want), pages)
	}
	return nil
}

func updateAndTags(ctx context.Context, c *cloud) error {
	made, err := create(ctx, c, "before")
	if err != nil {
		return err
	}
	_, err = images.Update(ctx, c.demo, made.ID, images.UpdateOpts{
		images.ReplaceImageName{NewName: "after"},
		images.ReplaceImageTags{NewTags: []string{"one", "two"}},
		images.ReplaceImageMinRam{NewMinRam: 64},
		images.UpdateVisibility{Visibility: images.ImageVisibilityPrivate},
		images.UpdateImageProperty{Op: images.AddOp, Name: "hw_disk_bus", Value: "scsi"},
		images.UpdateImageProperty{Op: images.RemoveOp, Name: "os_distro"},
	}).Extract()
	if err != nil {
		return err
	}
	shown, err := images.Get(ctx, c.demo, made.ID).Extract()
	if err != nil {
		return err
	}
	slices.Sort(shown.Tags)
	_, still := shown.Properties["os_distro"]
	if shown.Name != "after" || !slices.Equal(shown.Tags, []string{"one", "two"}) || shown.MinRAMMegabytes != 64 ||
		shown.Visibility != images.ImageVisibilityPrivate || shown.Properties["hw_disk_bus"] != "scsi" || still {
		return fmt.Errorf("changed to %+v", shown)
	}
	return nil
}

func shareWithMember(ctx context.Context, c *cloud) error {
	made, err := create(ctx, c, "shared")
	if err != nil {
		return err
	}
	if _, err := members.Create(ctx, c.demo, made.ID, c.altProject).Extract(); err != nil {
		return err
	}
	member, err := members.Update(ctx, c.alt, made.ID, c.altProject, members.UpdateOpts{Status: "accepted"}).Extract()
	if err != nil {
		return err
	}
	if member.Status != "accepted" {
		return fmt.Errorf("the answer is %s", member.Status)
	}
	if _, err := images.Get(ctx, c.alt, made.ID).Extract(); err != nil {
		return fmt.Errorf("the member does not see it: %w", err)
	}
	all, err := members.List(c.demo, made.ID).AllPages(ctx)
	if err != nil {
		return err
	}
	found, err := members.ExtractMembers(all)
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0].MemberID != c.altProject {
		return fmt.Errorf("the members are %+v", found)
	}
	if err := members.Delete(ctx, c.demo, made.ID, c.altProject).ExtractErr(); err != nil {
		return err
	}
	if _, err := images.Get(ctx, c.alt, made.ID).Extract(); !gophercloud.ResponseCodeIs(err, 404) {
		return fmt.Errorf("who is no member any more sees it: %v", err)
	}
	return nil
}

func stageAndImport(ctx context.Context, c *cloud) error {
	info, err := imageimport.Get(ctx, c.demo).Extract()
	if err != nil {
		return err
	}
	if !slices.Contains(info.ImportMethods.Value, "glance-direct") {
		return fmt.Errorf("the methods of import are %q", info.ImportMethods.Value)
	}
	made, err := create(ctx, c, "imported")
	if err != nil {
		return err
	}
	data := strings.Repeat("staged", 1000)
	if err := imagedata.Stage(ctx, c.demo, made.ID, strings.NewReader(data)).ExtractErr(); err != nil {
		return err
	}
	opts := imageimport.CreateOpts{Name: imageimport.GlanceDirectMethod}
	if err := imageimport.Create(ctx, c.demo, made.ID, opts).ExtractErr(); err != nil {
		return err
	}
	deadline, cancel := context.WithTimeout(ctx, importLimit)
	defer cancel()
	return gophercloud.WaitFor(deadline, func(ctx context.Context) (bool, error) {
		shown, err := images.Get(ctx, c.demo, made.ID).Extract()
		return err == nil && shown.Status == images.ImageStatusActive && shown.SizeBytes == int64(len(data)), err
	})
}

func listTasks(ctx context.Context, c *cloud) error {
	all, err := tasks.List(c.admin, tasks.ListOpts{Limit: 1}).AllPages(ctx)
	if err != nil {
		return err
	}
	found, err := tasks.ExtractTasks(all)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no task of the import")
	}
	shown, err := tasks.Get(ctx, c.admin, found[0].ID).Extract()
	if err != nil {
		return err
	}
	if shown.ID != found[0].ID || shown.Status == "" {
		return fmt.Errorf("shown as %+v", shown)
	}
	if _, err := tasks.List(c.demo, nil).AllPages(ctx); !gophercloud.ResponseCodeIs(err, 403) {
		return fmt.Errorf("a member may list tasks: %v", err)
	}
	return nil
}

func errorsAreTyped(ctx context.Context, c *cloud) error {
	if _, err := images.Get(ctx, c.demo, "no-such-image").Extract(); !gophercloud.ResponseCodeIs(err, 404) {
		return fmt.Errorf("an unknown image: %v", err)
	}
	protected := true
	made, err := images.Create(ctx, c.demo, images.CreateOpts{Name: "kept", Protected: &protected}).Extract()
	if err != nil {
		return err
	}
	if err := images.Delete(ctx, c.demo, made.ID).ExtractErr(); !gophercloud.ResponseCodeIs(err, 403) {
		return fmt.Errorf("a protected image: %v", err)
	}
	if _, err := images.Create(ctx, c.demo, images.CreateOpts{Name: "again", ID: made.ID}).Extract(); !gophercloud.ResponseCodeIs(err, 409) {
		return fmt.Errorf("an id that is taken: %v", err)
	}
	return nil
}

func deleteImage(ctx context.Context, c *cloud) error {
	made, err := create(ctx, c, "gone")
	if err != nil {
		return err
	}
	if err := images.Delete(ctx, c.demo, made.ID).ExtractErr(); err != nil {
		return err
	}
	if _, err := images.Get(ctx, c.demo, made.ID).Extract(); !gophercloud.ResponseCodeIs(err, 404) {
		return fmt.Errorf("it is still there: %v", err)
	}
	return nil
}
