package emv

// tagNames are the names of EMVCo CPM and EMV Book 3.
var tagNames = map[Tag]string{
	FormatIndicator:        "Payload Format Indicator",
	ApplicationTemplate:    "Application Template",
	CommonData:             "Common Data Template",
	ApplicationTransparent: "Application Specific Transparent Template",
	CommonTransparent:      "Common Data Transparent Template",
	AID:                    "Application Definition File (ADF) Name",
	Label:                  "Application Label",
	Track2Data:             "Track 2 Equivalent Data",
	PAN:                    "Application PAN",
	Cardholder:             "Cardholder Name",
	Languages:              "Language Preference",
	IssuerURL:              "Issuer URL",
	Version:                "Application Version Number",
	Requestor:              "Token Requestor ID",
	AccountRef:             "Payment Account Reference (PAR)",
	LastFourOfPAN:          "Last 4 Digits of PAN",
}

// jpqrNames are what JPQR is read to mean by the tags that it shares.
var jpqrNames = map[Tag]string{
	AID:        "Issuer",
	Track2Data: "Payment ID",
	0x99:       "Issuer's own data",
}

// Name gives the standard's name of a tag, "unknown" where it has none.
func (f Format) Name(tag Tag) string {
	if name, ok := jpqrNames[tag]; ok && f == JPQR1 {
		return name
	}
	if name, ok := tagNames[tag]; ok {
		return name
	}
	return "unknown"
}

// itemNames are the names of EMVCo MPM.
var itemNames = map[string]string{
	"00": "Payload Format Indicator",
	"01": "Point of Initiation Method",
	"52": "Merchant Category Code",
	"53": "Transaction Currency",
	"54": "Transaction Amount",
	"55": "Tip or Convenience Indicator",
	"56": "Value of Convenience Fee Fixed",
	"57": "Value of Convenience Fee Percentage",
	"58": "Country Code",
	"59": "Merchant Name",
	"60": "Merchant City",
	"61": "Postal Code",
	"62": "Additional Data Field Template",
	"63": "CRC",
	"64": "Merchant Information - Language Template",
}

// additionalNames are those inside 62, languageNames inside 64.
var (
	additionalNames = map[string]string{
		"01": "Bill Number",
		"02": "Mobile Number",
		"03": "Store Label",
		"04": "Loyalty Number",
		"05": "Reference Label",
		"06": "Customer Label",
		"07": "Terminal Label",
		"08": "Purpose of Transaction",
		"09": "Additional Consumer Data Request",
		"10": "Merchant Tax ID",
		"11": "Merchant Channel",
	}
	languageNames = map[string]string{
		"00": "Language Preference",
		"01": "Merchant Name - Alternate Language",
		"02": "Merchant City - Alternate Language",
	}
)

// Name gives the standard's name of an object. outer is the id of the template
// that it stands in, empty at the top.
func (i Item) Name(outer string) string {
	var name string
	switch {
	case outer == "":
		name = topName(i.ID)
	case outer == "62":
		name = additionalNames[i.ID]
	case outer == "64":
		name = languageNames[i.ID]
	case i.ID == "00":
		name = "Globally Unique Identifier"
	default:
		name = "Payment network specific"
	}
	if name == "" {
		return "unknown"
	}
	return name
}

// topName is the name of an object outside all templates.
func topName(id string) string {
	switch {
	case id >= "02" && id <= "51":
		return "Merchant Account Information"
	case id >= "80":
		return "Unreserved Template"
	}
	return itemNames[id]
}
