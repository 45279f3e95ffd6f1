package enrol

// The places of the two requests, beside the link's own path: of a link at
// /v1/link they are /v1/enrol and /v1/renew. Both are POST with JSON of at most
// MaxBody bytes, and answered with 200 and JSON or with a Problem.
const (
	EnrolPath = "enrol"
	RenewPath = "renew"
	MaxBody   = 1 << 20 // bytes: roles that were changed many times still fit
)

// Request asks for everything that a register needs. The connection shows no
// client certificate. The same secret with the same key may be sent again within
// the code's life and gets the same identity: an answer can be lost.
type Request struct {
	Secret string `json:"secret"` // Code.Secret
	CSR    string `json:"csr"`    // PKCS 10 in PEM, signed by the register's Ed25519 key; its subject says nothing
}

// Answer is what a register gets at enrolment. Each text is the content of the
// file of keys/ that has its name.
type Answer struct {
	Certificate string `json:"certificate"`  // PEM: the register's own first, then those up to the CA, without it
	CA          string `json:"ca"`           // PEM: the backend's CA certificates, the one that the code names first
	Root        string `json:"root"`         // verifier key of policy and identity, as golang.org/x/mod/sumdb/note writes it
	Roles       string `json:"roles"`        // signed notes
	Identity    string `json:"identity"`     // a note signed by root: register, store, class, realm
	StoreKey    string `json:"store_key"`    // 32 bytes in hex, one for all registers of the store
	BackendHPKE string `json:"backend_hpke"` // X25519 public key in base64: advices' evidence is sealed to it
}

// Renewal asks, over TLS with the certificate in use, for another on the same
// key.
type Renewal struct {
	CSR string `json:"csr"`
}

// Renewed is its answer, as in Answer.
type Renewed struct {
	Certificate string `json:"certificate"`
	CA          string `json:"ca"`
}

// Problem is the body of a refusal (RFC 9457), of the link's dial too.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // a sentence for people: what to do next
	Code   Reason `json:"code"`             // for machines
}

// Reason says for machines why a request or a dial was refused.
type Reason string

// The reasons of a Problem.
const (
	SpentCode  Reason = "enrol.code"          // 403: not known, used by another key, or past its life: ask for a new one
	BadCSR     Reason = "enrol.csr"           // 400: no signing request, or not by an Ed25519 key
	NoCert     Reason = "certificate.missing" // 401: the link and renewals want a client certificate
	Revoked    Reason = "certificate.revoked" // 403: enrol the register again
	Foreign    Reason = "certificate.foreign" // 403: of another backend, or of a register that is not known here
	NoProtocol Reason = "protocol"            // 400: none of the subprotocols offered is spoken here
	TooMany    Reason = "busy"                // 429 or 503 with Retry-After, in seconds
)
