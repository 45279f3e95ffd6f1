package main

import (
	"fmt"
	"time"
)

// layouts are how a person may write a time of the store's clock.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly}

// moment reads a time of the store's clock, one with a zone of its own (RFC
// 3339), or how long ago, such as 90m or 24h. "" is the zero time.
func moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-01-05, \"2026-01-05 18:30\", or how long ago, such as 90m", text)
}
