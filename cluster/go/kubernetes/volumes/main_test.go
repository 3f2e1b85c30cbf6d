package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v11/controller"
)

func wanted(volume string) controller.ProvisionOptions {
	delete := core.PersistentVolumeReclaimDelete
	labels := map[string]string{core.LabelHostname: "floe"}
	claim := core.PersistentVolumeClaim{Spec: core.PersistentVolumeClaimSpec{
		AccessModes: []core.PersistentVolumeAccessMode{core.ReadWriteOnce},
		Resources: core.VolumeResourceRequirements{
			Requests: core.ResourceList{core.ResourceStorage: resource.MustParse("2Gi")},
		},
	}}
	return controller.ProvisionOptions{
		PVName:       volume,
		PVC:          &claim,
		SelectedNode: &core.Node{ObjectMeta: meta.ObjectMeta{Labels: labels}},
		StorageClass: &storage.StorageClass{ReclaimPolicy: &delete},
	}
}

func TestAVolumeIsAFolderOfTheNodeThatAnyoneCanWriteTo(t *testing.T) {
	root := folders(t.TempDir())
	made, _, err := root.Provision(context.Background(), wanted("pvc-1"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(string(root), "pvc-1")
	there, err := os.Stat(folder)
	if err != nil || there.Mode().Perm() != 0o777 {
		t.Fatalf("the folder's mode is %v (%v)", there, err)
	}
	spec := made.Spec
	if spec.HostPath.Path != folder || spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
		t.Fatalf("the volume is %+v", spec)
	}
	if size := spec.Capacity[core.ResourceStorage]; size.String() != "2Gi" {
		t.Fatalf("the volume holds %s", size.String())
	}
	host := spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0]
	if host.Key != core.LabelHostname || host.Values[0] != "floe" {
		t.Fatalf("the volume is on %+v", host)
	}
}

func TestARemovedVolumeIsGoneWithItsContent(t *testing.T) {
	root := folders(t.TempDir())
	made, _, err := root.Provision(context.Background(), wanted("pvc-1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(made.Spec.HostPath.Path, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := root.Delete(context.Background(), made); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made.Spec.HostPath.Path); !os.IsNotExist(err) {
		t.Fatalf("the folder is still there: %v", err)
	}
	if err := root.Delete(context.Background(), made); err != nil {
		t.Fatalf("what is gone cannot be removed: %v", err)
	}
}

func TestNothingElseIsMadeOrRemoved(t *testing.T) {
	root := folders(filepath.Join(t.TempDir(), "volumes"))
	for _, name := range []string{"", ".", "..", "../other", "a/b", "/"} {
		if _, _, err := root.Provision(context.Background(), wanted(name)); err == nil {
			t.Errorf("%q was made", name)
		}
		if root.Delete(context.Background(), &core.PersistentVolume{ObjectMeta: meta.ObjectMeta{Name: name}}) == nil {
			t.Errorf("%q was removed", name)
		}
	}
	homeless := wanted("pvc-1")
	homeless.SelectedNode = nil
	if _, _, err := root.Provision(context.Background(), homeless); err == nil {
		t.Error("a volume was made on no node")
	}
}
