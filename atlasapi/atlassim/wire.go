package atlassim

import "strconv"

// The forms of everything except jobs, as recorded answers have them, including members that no client needs.

type wireLink struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
}

type wireProject struct {
	ClusterCount              int        `json:"clusterCount"`
	Created                   string     `json:"created"`
	ID                        string     `json:"id"`
	Links                     []wireLink `json:"links"`
	Name                      string     `json:"name"`
	OrgID                     string     `json:"orgId"`
	Tags                      []struct{} `json:"tags"`
	WithDefaultAlertsSettings bool       `json:"withDefaultAlertsSettings"`
}

func (p *Project) appendJSON(b []byte, base string) []byte {
	return append(b, encode(wireProject{
		ClusterCount: p.clusters.len(), Created: timestamp(p.Created), ID: p.ID,
		Links: []wireLink{{Href: base + "/groups/" + p.ID, Rel: "self"}},
		Name:  p.Name, OrgID: p.org.ID, Tags: []struct{}{}, WithDefaultAlertsSettings: true,
	})...)
}

type wireCluster struct {
	AdaptiveCapacity             *struct{}             `json:"adaptiveCapacity"`
	BackupEnabled                bool                  `json:"backupEnabled"`
	ClusterType                  string                `json:"clusterType"`
	ConfigServerManagementMode   string                `json:"configServerManagementMode,omitempty"`
	ConfigServerType             string                `json:"configServerType,omitempty"`
	ConnectionStrings            map[string]string     `json:"connectionStrings"`
	CreateDate                   string                `json:"createDate"`
	DiskWarmingMode              string                `json:"diskWarmingMode"`
	EncryptionAtRestProvider     string                `json:"encryptionAtRestProvider"`
	FeatureCompatibilityVersion  string                `json:"featureCompatibilityVersion"`
	GroupID                      string                `json:"groupId"`
	ID                           string                `json:"id"`
	Labels                       []struct{}            `json:"labels"`
	Links                        []wireLink            `json:"links"`
	MongoDBMajorVersion          string                `json:"mongoDBMajorVersion"`
	MongoDBVersion               string                `json:"mongoDBVersion"`
	Name                         string                `json:"name"`
	Paused                       bool                  `json:"paused"`
	PitEnabled                   bool                  `json:"pitEnabled"`
	ReplicationSpecs             []wireReplicationSpec `json:"replicationSpecs"`
	RootCertType                 string                `json:"rootCertType"`
	StateName                    string                `json:"stateName"`
	Tags                         []struct{}            `json:"tags"`
	TerminationProtectionEnabled bool                  `json:"terminationProtectionEnabled"`
	VersionReleaseSystem         string                `json:"versionReleaseSystem"`
}

type wireReplicationSpec struct {
	ID            string             `json:"id"`
	RegionConfigs []wireRegionConfig `json:"regionConfigs"`
	ZoneID        string             `json:"zoneId"`
	ZoneName      string             `json:"zoneName"`
}

type wireRegionConfig struct {
	BackingProviderName string         `json:"backingProviderName,omitempty"`
	ElectableSpecs      wireNodesSpecs `json:"electableSpecs"`
	Priority            int            `json:"priority"`
	ProviderName        string         `json:"providerName"`
	RegionName          string         `json:"regionName"`
}

type wireNodesSpecs struct {
	InstanceSize string `json:"instanceSize,omitempty"`
	DiskSizeGB   int    `json:"diskSizeGB,omitempty"`
	NodeCount    int    `json:"nodeCount,omitempty"`
}

func (c *Cluster) wire(base string) wireCluster {
	host := c.Name + ".simulated.mongodb.invalid"
	self := base + "/groups/" + c.project.ID + "/clusters/" + c.Name
	w := wireCluster{
		BackupEnabled: c.BackupEnabled, ClusterType: "REPLICASET",
		ConnectionStrings: map[string]string{"standardSrv": "mongodb+srv://" + host},
		CreateDate:        timestamp(c.Created), DiskWarmingMode: "FULLY_WARMED", EncryptionAtRestProvider: "NONE",
		FeatureCompatibilityVersion: "8.0", GroupID: c.project.ID, ID: c.ID, Labels: []struct{}{},
		Links: []wireLink{
			{Href: self, Rel: "self"},
			{Href: self + "/backup/restoreJobs", Rel: "https://cloud.mongodb.com/restoreJobs"},
			{Href: self + "/backup/snapshots", Rel: "https://cloud.mongodb.com/snapshots"},
		},
		MongoDBMajorVersion: "8.0", MongoDBVersion: mongoDBVersion, Name: c.Name, Paused: c.Paused, PitEnabled: c.PitEnabled,
		RootCertType: "ISRGROOTX1", StateName: c.State, Tags: []struct{}{}, VersionReleaseSystem: "LTS",
	}
	region := wireRegionConfig{
		ElectableSpecs: wireNodesSpecs{InstanceSize: c.InstanceSize, DiskSizeGB: 30, NodeCount: 3},
		Priority:       7, ProviderName: c.Provider, RegionName: "EU_WEST_1",
	}
	if c.Provider == "TENANT" || c.Provider == "FLEX" {
		region.BackingProviderName = "AWS"
		region.ElectableSpecs = wireNodesSpecs{InstanceSize: c.InstanceSize}
	}
	if c.Shards > 0 {
		w.ClusterType, w.ConfigServerManagementMode, w.ConfigServerType = "SHARDED", "ATLAS_MANAGED", "EMBEDDED"
	}
	for i := range max(c.Shards, 1) {
		w.ReplicationSpecs = append(w.ReplicationSpecs, wireReplicationSpec{
			ID:            objectID(c.Created, c.seed+1+uint64(i)),
			RegionConfigs: []wireRegionConfig{region},
			ZoneID:        objectID(c.Created, c.seed-1), ZoneName: "Zone 1",
		})
	}
	return w
}

type wirePipeline struct {
	ID                     string            `json:"_id"`
	CreatedDate            string            `json:"createdDate"`
	DatasetRetentionPolicy wireRetention     `json:"datasetRetentionPolicy"`
	GroupID                string            `json:"groupId"`
	LastUpdatedDate        string            `json:"lastUpdatedDate"`
	Name                   string            `json:"name"`
	Sink                   wireSink          `json:"sink"`
	Source                 map[string]string `json:"source"`
	State                  string            `json:"state"`
	Transformations        []struct{}        `json:"transformations"`
}

type wireRetention struct {
	LastModifiedDate string `json:"lastModifiedDate"`
	Units            string `json:"units"`
	Value            int    `json:"value"`
}

type wireSink struct {
	MetadataProvider string           `json:"metadataProvider"`
	MetadataRegion   string           `json:"metadataRegion"`
	PartitionFields  []wirePartitions `json:"partitionFields"`
	Type             string           `json:"type"`
}

type wirePartitions struct {
	FieldName string `json:"fieldName"`
	Order     int    `json:"order"`
}

func (pl *Pipeline) wire() wirePipeline {
	created := timestamp(pl.Created)
	return wirePipeline{
		ID: pl.ID, CreatedDate: created, GroupID: pl.project.ID, LastUpdatedDate: created, Name: pl.Name,
		DatasetRetentionPolicy: wireRetention{
			LastModifiedDate: created, Units: pl.PipelineOptions.Retention.Units, Value: pl.PipelineOptions.Retention.Value,
		},
		Sink: wireSink{
			MetadataProvider: "AWS", MetadataRegion: "EU_WEST_1", Type: "DLS",
			PartitionFields: []wirePartitions{{FieldName: "_id", Order: 0}},
		},
		Source: map[string]string{
			"type": pl.SourceType, "clusterName": pl.Cluster, "databaseName": pl.Database,
			"collectionName": pl.Collection, "groupId": pl.project.ID,
			"policyItemId": objectID(pl.Created, pl.seed+2),
		},
		State: pl.State, Transformations: []struct{}{},
	}
}

// wireError is the body of every error, except those of the token endpoint.
type wireError struct {
	BadRequestDetail *wireBadRequest `json:"badRequestDetail,omitempty"`
	Detail           string          `json:"detail"`
	Error            int             `json:"error"`
	ErrorCode        string          `json:"errorCode,omitempty"`
	Parameters       []any           `json:"parameters,omitempty"`
	Reason           string          `json:"reason"`
}

type wireBadRequest struct {
	Fields []wireField `json:"fields"`
}

type wireField struct {
	Description string `json:"description"`
	Field       string `json:"field"`
}

// mongoDBVersion is the version of every cluster.
const mongoDBVersion = "8.0.29"

// detailOf returns the text that Atlas sends with an error code.
func detailOf(code string, parameters []any) string {
	text := func(i int) string {
		if i >= len(parameters) {
			return "unknown"
		}
		switch value := parameters[i].(type) {
		case string:
			return value
		case int:
			return strconv.Itoa(value)
		}
		return "unknown"
	}
	switch code {
	case "CLUSTER_NOT_FOUND":
		return "No cluster named " + text(0) + " exists in group " + text(1) + "."
	case "GROUP_NOT_FOUND":
		return "No group with ID " + text(0) + " exists."
	case "NOT_IN_GROUP":
		return "The current user is not in the group, or there is no group with ID " + text(0) + "."
	case "USER_UNAUTHORIZED":
		return "The current user is not authorized to perform this action."
	case "BACKUP_CONFIG_NOT_FOUND":
		return "The backup configuration of cluster " + text(0) + " was not found."
	case "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API":
		return "Cannot use Flex cluster " + text(0) + " in the cluster API."
	case "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API":
		return "Cannot use non-flex cluster " + text(0) + " in the flex API."
	case "INCORRECT_BACKUP_API_ENDPOINT":
		return "Cluster " + text(0) + " must be read with another backup endpoint."
	case "IP_ADDRESS_NOT_ON_ACCESS_LIST":
		return "IP address 127.0.0.1 is not allowed to access this resource."
	case "VERSION_GONE":
		return "Version " + text(0) + " of " + text(1) + " is no longer available."
	case "RATE_LIMITED_TOKEN_BUCKET":
		return "Rate limited on " + text(0) + ": retry after " + text(1) + " seconds. The bucket holds " + text(2) +
			" requests and gains " + text(3) + " every " + text(4) + " seconds."
	case "INVALID_QUERY_PARAMETER":
		return "Invalid query parameter " + text(0) + " was specified."
	case "":
		return "The request was refused."
	}
	return "The request was refused with " + code + "."
}
