package sheet

import "sekisho/scanner/framing"

// honeywell is made from others' texts for the symbology and from the maker's for
// the commands: no guide of theirs tells in words what its codes hold.
var honeywell = Sheet{
	Family:  framing.FamilyHoneywell,
	Maker:   "Honeywell",
	Symbols: "Each code is Code 128: a tilde, the menu command, a full stop and FNC3 [1] [2].",
	Steps: []Step{
		{
			Does:    "Factory settings",
			Note:    "It forgets what was set. Leave it out for a new unit.",
			Command: "DEFALT", Holds: "~DEFALT. and FNC3", Sources: "[2] [3]",
		},
		{
			Does:    "USB: a serial line (USB COM)",
			Note:    "Leave it out on an RS-232 cable. It may start anew.",
			Command: "TRMUSB130", Holds: "~TRMUSB130. and FNC3", Sources: "[1] [4]",
		},
		{
			Does:    "CR behind each code",
			Command: "VSUFCR", Holds: "~VSUFCR. and FNC3", Sources: "[1] [3]",
		},
	},
	After: []string{
		`Then show the unit "Host ACK On" from its guide, under "Host Acknowledgment": what that code holds is in`,
		"no public text. With it the unit is silent at the read and beeps after the verdict.",
	},
	Sources: []string{
		"[1] barcoder, a public program for Code 128 by Arakis, README, on programming codes for Honeywell scanners. Not the maker's text.",
		`[2] Accurate Data, "Can't default Honeywell Xenon or Voyager scanner", 2022: DEFALT in such a code. Not the maker's text.`,
		"[3] Honeywell, CS19A User's Guide: chapter 11, a menu command does what its programming code does; page 6-4, VSUFCR.",
		"[4] Honeywell, Xenon/Granit User Guide, page 76: USB COM is terminal 130. That the tag for it is TRMUSB is how a Genesis 7580g",
		`     answers, as told in "Honeywell USB scanner setup (Genesis 7580g)", a public note. Not the maker's text.`,
	},
	encode: code128With,
}

// opticon is made from the maker's texts, but for the one command that they give
// only as a picture.
var opticon = Sheet{
	Family:  framing.FamilyOpticon,
	Maker:   "Opticon",
	Symbols: "Each code is Code 39 with the space, in place of the asterisk, as start and stop character [1].",
	Steps: []Step{
		{
			Does:    "Begin",
			Note:    "On an RS-232 cable begin with 4.",
			Command: "ZZ", Holds: "Z Z between two spaces", Sources: "[1]",
		},
		{
			Does:    "USB: a serial line (USB-VCP)",
			Command: "C01", Holds: "C 0 1 between two spaces", Sources: "[4]",
		},
		{
			Does:    "End",
			Note:    "The unit may start anew: wait until it reads again.",
			Command: "ZZ", Holds: "Z Z between two spaces", Sources: "[1]",
		},
		{
			Does:    "Begin",
			Command: "ZZ", Holds: "Z Z between two spaces", Sources: "[1]",
		},
		{
			Does:    "Nothing in front of a code",
			Command: "MG", Holds: "M G between two spaces", Sources: "[3]",
		},
		{
			Does:    "Behind each code comes ...",
			Note:    "Go on with 7.",
			Command: "RZ", Holds: "R Z between two spaces", Sources: "[2] [3]",
		},
		{
			Does:    "... a CR",
			Command: "1M", Holds: "1 M between two spaces", Sources: "[2] [3]",
		},
		{
			Does:    "End",
			Command: "ZZ", Holds: "Z Z between two spaces", Sources: "[1]",
		},
	},
	After: []string{"The unit sounds its good read beep for a code it took, and an error beep for one that it does not have [1]."},
	Sources: []string{
		`[1] Opticon, technical wiki, "Menu Commands", revision of 5 August 2014: the symbology, and ZZ at the beginning and the end.`,
		`[2] Opticon, Universal Menu Book in its wiki, "Set prefix and suffix", 22 September 2008: the suffix of all codes, then CR.`,
		"[3] Opticon, OptiConnect SDK: the list of commands in it names MG, RZ and 1M.",
		"[4] opticon_scanner, a public driver of 2016, after page U4 of the Universal Menu Book. Not the maker's text.",
	},
	encode: code39BetweenSpaces,
}
