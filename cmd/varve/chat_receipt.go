package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
)

type verifyCommand struct {
	File   string `arg:"" help:"The receipt; - is standard input."`
	Signer string `help:"The public key that must have signed it (default: that of the database)." placeholder:"KEY"`
	User   string `help:"Tell whether it is about this person, which takes the database." placeholder:"USER"`
}

// verified is the answer of verify-receipt.
type verified struct {
	Report erasure.Report `json:"report"`
	About  *bool          `json:"about,omitempty"`
}

// Run verifies a receipt: against a key alone, or against the database.
func (v *verifyCommand) Run(ctx context.Context, p *program, c *cli) error {
	if v.Signer != "" && v.User != "" {
		return usage{errs.Field(errs.Invalid, "user", "needs the database, so it does not go with --signer")}
	}
	raw, err := v.read(p.stdin)
	if err != nil {
		return err
	}
	var out verified
	if v.Signer != "" {
		out.Report, err = erasure.Verify(raw, v.Signer)
	} else {
		err = c.Chat.keeper(ctx, p, func(k server.Keeper) (err error) {
			about := false
			out.Report, about, err = k.VerifyReceipt(ctx, raw, v.User)
			if v.User != "" {
				out.About = &about
			}
			return err
		})
	}
	if err != nil {
		return err
	}
	if err := v.print(p, out); err != nil {
		return err
	}
	if out.About != nil && !*out.About {
		return failed(exitFailure)
	}
	return nil
}

// longestReceipt bounds what is read as one.
const longestReceipt = 16 << 20

func (v *verifyCommand) read(stdin io.Reader) ([]byte, error) {
	from := stdin
	if v.File != "-" {
		f, err := os.Open(v.File)
		if err != nil {
			return nil, errs.Wrap(errs.NotFound, err, "the receipt cannot be read")
		}
		defer f.Close()
		from = f
	}
	raw, err := io.ReadAll(io.LimitReader(from, longestReceipt))
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the receipt cannot be read")
	}
	if !json.Valid(raw) {
		return nil, errs.New(errs.Invalid, "this is no receipt of an erasure")
	}
	return raw, nil
}

func (v *verifyCommand) print(p *program, out verified) error {
	if p.json {
		return writeJSON(p.stdout, out)
	}
	r := out.Report
	fmt.Fprintf(p.stdout, "the signature holds: receipt %s, %s\n", line(r.ID), r.Ended.Format("2006-01-02 15:04:05 MST"))
	switch {
	case r.DryRun:
		fmt.Fprintln(p.stdout, "it is of a dry run: nothing was removed")
	case r.Complete:
		fmt.Fprintln(p.stdout, "complete")
	default:
		fmt.Fprintln(p.stdout, "not complete")
	}
	fmt.Fprint(p.stdout, removed(r), kept(r))
	if out.About != nil && *out.About {
		fmt.Fprintf(p.stdout, "it is about %s\n", line(v.User))
	} else if out.About != nil {
		fmt.Fprintf(p.stdout, "it is not about %s\n", line(v.User))
	}
	return nil
}
