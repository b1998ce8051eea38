package collector

import (
	"context"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// pipelineStates are the states of a pipeline.
func pipelineStates() jobStates {
	return statesOf(jobState{name: "ACTIVE"}, jobState{name: pipelinePaused})
}

const pipelinePaused = "PAUSED"

// pipelines is the parent of the collector of Data Lake pipeline runs.
func pipelines() *Declaration {
	d := &Declaration{Name: "pipelines", Title: "Data Lake pipelines", Noun: "pipeline", Role: readOnly, mayEnd: true}
	d.entries = &entryList{
		label:    pipelineLabel,
		filter:   func(d *config.Discovery) *config.Filter { return &d.Pipelines },
		filterOf: func(p *config.Project) *config.Filter { return &p.Pipelines },
		list: func(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error) {
			found, err := c.Pipelines(ctx, groupID)
			return entriesOf(found, func(p *atlasapi.Pipeline) Entry { return Entry{ID: p.ID, Name: p.Name} }), err
		},
	}
	states := pipelineStates()
	d.entryFamilies = bind(d.entryLabels(),
		stateSet("mongodbatlas_pipeline_state",
			"State of the pipeline itself: 1 for the current state, 0 for the others.",
			"pipelines: state", "state", states,
			func(v *entryView) (uint8, bool) { return states.index(pipelineOf(v).State), true }),
		family[*entryView]{
			name:   "mongodbatlas_pipeline_info",
			help:   "The cluster that the pipeline reads, and the type of its source; always 1.",
			source: "pipelines: source.clusterName, source.type", labels: []string{clusterLabel, "source_type"},
			samples: func(v *entryView, to *sampler) { to.gauge(1, pipelineOf(v).ClusterName, pipelineOf(v).SourceType) },
		}.query(`mongodbatlas_pipeline_runs * on (group_id, pipeline) group_left (cl_name) topk by (group_id, pipeline) (1, mongodbatlas_pipeline_info)`),
	)
	return d
}

func pipelineOf(v *entryView) *atlasapi.Pipeline { return itemOf[atlasapi.Pipeline](v.entry) }
