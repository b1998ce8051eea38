package atlassim

import (
	"slices"
	"time"
)

// The frequencies of policy items and snapshots, and the units of retention.
const (
	Hourly  = "hourly"
	Daily   = "daily"
	Weekly  = "weekly"
	Monthly = "monthly"
	Yearly  = "yearly"
	// OnDemand is the frequency that Atlas sends for a snapshot requested by a user, although it documents no such
	// value.
	OnDemand = "ondemand"

	Days   = "days"
	Weeks  = "weeks"
	Months = "months"
	Years  = "years"
)

// Schedule is a cluster's backup schedule.
type Schedule struct {
	// AutoExportEnabled reports whether Atlas exports snapshots by itself.
	AutoExportEnabled bool
	// ExportFrequency is daily, weekly, monthly or yearly; "" without an export policy.
	ExportFrequency string
	// ExportBucketID is the id of the bucket to export to; the project's first bucket by default.
	ExportBucketID string
	// Items are the items of the snapshot policy. Nil means Atlas's default policy, an empty list means no scheduled
	// snapshots. Use Cluster.SetPolicy to change them when the cluster takes snapshots already.
	Items []PolicyItem
	// Reference is the time of day in UTC of every item, in whole minutes. The default is the time of the cluster's
	// creation; 24 h means midnight.
	Reference time.Duration
	// RestoreWindowDays is the number of days that continuous backup goes back, 7 by default.
	RestoreWindowDays int
	// CopyRegions are the regions that snapshots are copied to.
	CopyRegions []string
	// NextSnapshot, if set, replaces the policy's next turn in the answer, as if Atlas were behind schedule.
	NextSnapshot time.Time
}

// PolicyItem is an item of a snapshot policy.
type PolicyItem struct {
	// Frequency is hourly, daily, weekly, monthly, yearly or ondemand. An ondemand item makes no snapshots by itself.
	Frequency string
	// Interval is the number of hours for hourly, 1 for daily, the day of the week (1 is Monday) for weekly, the day of
	// the month (40 is the last) for monthly, and the month for yearly.
	Interval int
	// RetentionUnit and RetentionValue say how long a snapshot is kept.
	RetentionUnit  string
	RetentionValue int
}

// DefaultPolicy returns the policy of a new cluster.
func DefaultPolicy() []PolicyItem {
	return []PolicyItem{
		{Frequency: Hourly, Interval: 6, RetentionUnit: Days, RetentionValue: 7},
		{Frequency: Daily, Interval: 1, RetentionUnit: Days, RetentionValue: 7},
		{Frequency: Weekly, Interval: 6, RetentionUnit: Weeks, RetentionValue: 4},
		{Frequency: Monthly, Interval: 40, RetentionUnit: Months, RetentionValue: 12},
		{Frequency: Yearly, Interval: 12, RetentionUnit: Years, RetentionValue: 1},
	}
}

// NothingScheduled returns an empty policy: backup is on, but Atlas takes no snapshots.
func NothingScheduled() []PolicyItem { return []PolicyItem{} }

// items returns the items of the schedule's policy.
func (s *Schedule) items() []PolicyItem {
	if s.Items == nil {
		return DefaultPolicy()
	}
	return s.Items
}

// expiry returns when a snapshot of the item, taken at a moment, expires.
func (i PolicyItem) expiry(taken time.Time) time.Time {
	switch i.RetentionUnit {
	case Weeks:
		return taken.AddDate(0, 0, 7*i.RetentionValue)
	case Months:
		return taken.AddDate(0, i.RetentionValue, 0)
	case Years:
		return taken.AddDate(i.RetentionValue, 0, 0)
	}
	return taken.AddDate(0, 0, i.RetentionValue)
}

const lastDayOfMonth = 40

// falls reports whether the item has a turn in the hour that starts at slot, the reference minute. hour is the
// reference hour.
func (i PolicyItem) falls(slot time.Time, hour int) bool {
	if i.Frequency == Hourly {
		return (slot.Hour()-hour+24)%max(i.Interval, 1) == 0
	}
	if slot.Hour() != hour {
		return false
	}
	switch i.Frequency {
	case Daily:
		return true
	case Weekly:
		return int(slot.Weekday()) == i.Interval%7
	case Monthly:
		if i.Interval == lastDayOfMonth {
			return slot.AddDate(0, 0, 1).Day() == 1
		}
		return slot.Day() == i.Interval
	case Yearly:
		return slot.Day() == 1 && int(slot.Month()) == i.Interval
	}
	return false
}

// turn is a moment at which one or more items of a policy are due. They share one snapshot.
type turn struct {
	at    time.Time
	items []int // places of the items in the policy, the one with the longest retention first
}

// nextTurn returns the first turn of the cluster's policy after a moment. ok is false if no item of the policy recurs.
//
// A turn is at the reference minute, plus some seconds that differ between clusters, because no recorded nextSnapshot
// is at a full minute.
func (c *Cluster) nextTurn(after time.Time) (turn, bool) {
	items := c.Schedule.items()
	if !slices.ContainsFunc(items, func(i PolicyItem) bool { return i.Frequency != OnDemand }) {
		return turn{}, false
	}
	hour, minute := c.reference()
	after = after.UTC()
	slot := time.Date(after.Year(), after.Month(), after.Day(), after.Hour(), minute, int(c.seed%53)+3, 0, time.UTC)
	hourly := slices.ContainsFunc(items, func(i PolicyItem) bool { return i.Frequency == Hourly })
	if !slot.After(after) {
		slot = slot.Add(time.Hour)
	}
	// The rarest item is yearly. One more day covers leap years.
	for end := slot.AddDate(1, 0, 1); slot.Before(end); slot = slot.Add(time.Hour) {
		if !hourly && slot.Hour() != hour {
			slot = slot.Add(time.Duration((hour-slot.Hour()+24)%24-1) * time.Hour)
			continue
		}
		var falling []int
		for place, item := range items {
			if item.falls(slot, hour) {
				falling = append(falling, place)
			}
		}
		if len(falling) == 0 {
			continue
		}
		slices.SortStableFunc(falling, func(a, b int) int { return items[b].expiry(slot).Compare(items[a].expiry(slot)) })
		return turn{at: slot, items: falling}, true
	}
	return turn{}, false
}

// reference returns the hour and the minute of the policy's items.
func (c *Cluster) reference() (hour, minute int) {
	if c.Schedule.Reference == 0 {
		return c.Created.UTC().Hour(), c.Created.UTC().Minute()
	}
	minutes := int(c.Schedule.Reference / time.Minute)
	return minutes / 60 % 24, minutes % 60
}

// policyItemID returns the id of the item at a place of the policy.
func (c *Cluster) policyItemID(place int) string { return objectID(c.Created, c.seed+17+uint64(place)) }

type wireSchedule struct {
	AutoExportEnabled                 bool              `json:"autoExportEnabled"`
	ClusterID                         string            `json:"clusterId"`
	ClusterName                       string            `json:"clusterName"`
	CopyPolicyItemsEnabled            bool              `json:"copyPolicyItemsEnabled"`
	CopySettings                      []wireCopySetting `json:"copySettings"`
	Export                            *wireExport       `json:"export,omitempty"`
	Links                             []wireLink        `json:"links"`
	NextSnapshot                      string            `json:"nextSnapshot,omitempty"`
	Policies                          []wirePolicy      `json:"policies"`
	ReferenceHourOfDay                int               `json:"referenceHourOfDay"`
	ReferenceMinuteOfHour             int               `json:"referenceMinuteOfHour"`
	RestoreWindowDays                 int               `json:"restoreWindowDays"`
	UseOrgAndGroupNamesInExportPrefix bool              `json:"useOrgAndGroupNamesInExportPrefix"`
}

type wireCopySetting struct {
	CloudProvider    string   `json:"cloudProvider"`
	Frequencies      []string `json:"frequencies"`
	RegionName       string   `json:"regionName"`
	ShouldCopyOplogs bool     `json:"shouldCopyOplogs"`
	ZoneID           string   `json:"zoneId"`
}

type wireExport struct {
	ExportBucketID string `json:"exportBucketId"`
	FrequencyType  string `json:"frequencyType"`
}

type wirePolicy struct {
	ID          string           `json:"id"`
	PolicyItems []wirePolicyItem `json:"policyItems"`
}

type wirePolicyItem struct {
	FrequencyInterval int    `json:"frequencyInterval"`
	FrequencyType     string `json:"frequencyType"`
	ID                string `json:"id"`
	RetentionUnit     string `json:"retentionUnit"`
	RetentionValue    int    `json:"retentionValue"`
}

func (c *Cluster) wireSchedule(base string, now time.Time) wireSchedule {
	group := base + "/groups/" + c.project.ID
	hour, minute := c.reference()
	w := wireSchedule{
		AutoExportEnabled: c.Schedule.AutoExportEnabled, ClusterID: c.ID, ClusterName: c.Name,
		CopySettings: []wireCopySetting{},
		Links: []wireLink{
			{Href: group + "/clusters/" + c.Name + "/backup/schedule", Rel: "self"},
			{Href: group, Rel: "https://cloud.mongodb.com/group"},
		},
		ReferenceHourOfDay: hour, ReferenceMinuteOfHour: minute, RestoreWindowDays: c.Schedule.RestoreWindowDays,
	}
	if w.RestoreWindowDays == 0 {
		w.RestoreWindowDays = 7
	}
	for _, region := range c.Schedule.CopyRegions {
		w.CopySettings = append(w.CopySettings, wireCopySetting{
			CloudProvider: c.Provider, Frequencies: []string{"DAILY"}, RegionName: region,
			ZoneID: objectID(c.Created, c.seed-1),
		})
	}
	if c.Schedule.ExportFrequency != "" {
		w.Export = &wireExport{ExportBucketID: c.exportBucketID(), FrequencyType: c.Schedule.ExportFrequency}
	}
	policy := wirePolicy{ID: objectID(c.Created, c.seed+16), PolicyItems: []wirePolicyItem{}}
	for place, item := range c.Schedule.items() {
		policy.PolicyItems = append(policy.PolicyItems, wirePolicyItem{
			FrequencyInterval: item.Interval, FrequencyType: item.Frequency, ID: c.policyItemID(place),
			RetentionUnit: item.RetentionUnit, RetentionValue: item.RetentionValue,
		})
	}
	w.Policies = []wirePolicy{policy}
	if next, ok := c.nextTurn(now); ok {
		w.NextSnapshot = timestamp(next.at)
		if !c.Schedule.NextSnapshot.IsZero() {
			w.NextSnapshot = timestamp(c.Schedule.NextSnapshot)
		}
	}
	return w
}
