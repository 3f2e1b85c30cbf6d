// Command volumes makes the volumes of the node's default StorageClass: each is a folder of the node, made
// when a pod claims it and removed with its claim.
//
// It makes folders itself, where the usual provisioner of local folders has a pod made for each of them: six
// seconds until the pods of a platform have their volumes, and a second with this one.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v11/controller"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: volumes PROVISIONER FOLDER")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "volumes:", err)
		os.Exit(1)
	}
}

func serve(name, root string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// One replica, replaced and never doubled: nobody to elect a leader among.
	options := controller.LeaderElection(false)
	controller.NewProvisionController(ctx, client, name, folders(root), options).Run(ctx)
	return nil
}

// folders makes volumes below a folder of the node that is mounted here at the same path.
type folders string

// Provision makes the folder of a volume, on the node that was chosen for the pod that claims it.
func (root folders) Provision(
	_ context.Context, wanted controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	if wanted.SelectedNode == nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("no node was chosen: bind when a pod is there")
	}
	folder, err := root.of(wanted.PVName)
	if err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// The process' mask took bits away; pods of any user must be able to write.
	if err := os.Chmod(folder, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	there := core.HostPathDirectory
	host := core.NodeSelectorRequirement{
		Key: core.LabelHostname, Operator: core.NodeSelectorOpIn,
		Values: []string{wanted.SelectedNode.Labels[core.LabelHostname]},
	}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: wanted.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *wanted.StorageClass.ReclaimPolicy,
			AccessModes:                   wanted.PVC.Spec.AccessModes,
			Capacity: core.ResourceList{
				core.ResourceStorage: wanted.PVC.Spec.Resources.Requests[core.ResourceStorage],
			},
			PersistentVolumeSource: core.PersistentVolumeSource{
				HostPath: &core.HostPathVolumeSource{Path: folder, Type: &there},
			},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{
					{MatchExpressions: []core.NodeSelectorRequirement{host}},
				},
			}},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete removes the folder of a volume with all that is in it.
func (root folders) Delete(_ context.Context, volume *core.PersistentVolume) error {
	folder, err := root.of(volume.Name)
	if err != nil {
		return err
	}
	return os.RemoveAll(folder)
}

// of is the folder of a volume: below the root, and nothing else whatever the volume is called.
func (root folders) of(volume string) (string, error) {
	if name := filepath.Base(volume); name != volume || name == "." || name == ".." || name == "/" {
		return "", fmt.Errorf("%q is not the name of a volume", volume)
	}
	return filepath.Join(string(root), volume), nil
}
