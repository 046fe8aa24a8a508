package main

// register lists the methods that are ours; everything else is the simulator's.
func (v *vcenter) register() {
	v.handlers = map[string]handler{
		"SessionManager.Login":                       on(v.login),
		"SessionManager.LoginByToken":                on(v.loginByToken),
		"SessionManager.Logout":                      on(v.logout),
		"SessionManager.SessionIsActive":             on(v.sessionIsActive),
		"SessionManager.TerminateSession":            on(v.terminateSession),
		"SessionManager.AcquireGenericServiceTicket": on(v.acquireTicket),

		"PropertyCollector.RetrievePropertiesEx":         on(v.retrievePropertiesEx),
		"PropertyCollector.RetrieveProperties":           on(v.retrieveProperties),
		"PropertyCollector.ContinueRetrievePropertiesEx": on(v.continueRetrieve),
		"PropertyCollector.CancelRetrievePropertiesEx":   on(v.cancelRetrieve),
		"PropertyCollector.CreatePropertyCollector":      on(v.createCollector),
		"PropertyCollector.DestroyPropertyCollector":     on(v.destroyCollector),
		"PropertyCollector.CreateFilter":                 on(v.createFilter),
		"PropertyCollector.WaitForUpdatesEx":             on(v.waitForUpdatesEx),
		"PropertyCollector.WaitForUpdates":               on(v.waitForUpdatesOld),
		"PropertyCollector.CheckForUpdates":              on(v.checkForUpdates),
		"PropertyCollector.CancelWaitForUpdates":         on(v.cancelWait),
		"PropertyFilter.DestroyPropertyFilter":           on(v.destroyFilter),

		"Task.CancelTask": on(v.cancelTask),

		"FileManager.MakeDirectory":            on(v.makeDirectory),
		"FileManager.CopyDatastoreFile_Task":   on(v.copyDatastoreFile),
		"FileManager.MoveDatastoreFile_Task":   on(v.moveDatastoreFile),
		"FileManager.DeleteDatastoreFile_Task": on(v.deleteDatastoreFile),

		"VirtualDiskManager.CreateVirtualDisk_Task":    on(v.createVirtualDisk),
		"VirtualDiskManager.CopyVirtualDisk_Task":      on(v.copyVirtualDisk),
		"VirtualDiskManager.MoveVirtualDisk_Task":      on(v.moveVirtualDisk),
		"VirtualDiskManager.DeleteVirtualDisk_Task":    on(v.deleteVirtualDisk),
		"VirtualDiskManager.ExtendVirtualDisk_Task":    on(v.extendVirtualDisk),
		"VirtualDiskManager.InflateVirtualDisk_Task":   on(v.inflateVirtualDisk),
		"VirtualDiskManager.EagerZeroVirtualDisk_Task": on(v.eagerZeroVirtualDisk),
		"VirtualDiskManager.ZeroFillVirtualDisk_Task":  on(v.zeroFillVirtualDisk),
		"VirtualDiskManager.QueryVirtualDiskUuid":      on(v.queryVirtualDiskUUID),
		"VirtualDiskManager.SetVirtualDiskUuid":        on(v.setVirtualDiskUUID),

		"HostDatastoreBrowser.SearchDatastore_Task":           on(v.searchDatastore),
		"HostDatastoreBrowser.SearchDatastoreSubFolders_Task": on(v.searchSubFolders),

		"DatastoreNamespaceManager.CreateDirectory":                on(v.createDirectory),
		"DatastoreNamespaceManager.DeleteDirectory":                on(v.deleteDirectory),
		"DatastoreNamespaceManager.ConvertNamespacePathToUuidPath": on(v.convertNamespacePath),

		"Datastore.RefreshDatastore": on(v.refreshDatastore),

		"ResourcePool.ImportVApp":              on(v.importVApp),
		"VirtualMachine.ExportVm":              on(v.exportVM),
		"HttpNfcLease.HttpNfcLeaseProgress":    on(v.leaseProgress),
		"HttpNfcLease.HttpNfcLeaseComplete":    on(v.leaseComplete),
		"HttpNfcLease.HttpNfcLeaseAbort":       on(v.leaseAbort),
		"HttpNfcLease.HttpNfcLeaseGetManifest": on(v.leaseManifest),

		"Folder.CreateVM_Task":           on(v.createVM),
		"VirtualMachine.ReconfigVM_Task": on(v.reconfigVM),
		"VirtualMachine.CloneVM_Task":    on(v.cloneVM),
		"VirtualMachine.Destroy_Task":    on(v.destroyVM),
	}
}
