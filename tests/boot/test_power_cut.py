"""Power cuts under ext4: with barriers nothing that was saved is lost; without, the campaign finds what is."""

from . import power_cut

CUTS = 40


def outcomes(tmp_path, options):
    with power_cut.plan(tmp_path, options, CUTS) as campaign:
        campaign.run()
        assert campaign.table().errors == 0
        return [(injection.outcome, injection.detail) for injection in campaign]


def test_with_barriers_what_was_saved_is_there(tmp_path):
    found = outcomes(tmp_path, "data=ordered")
    assert {outcome for outcome, _ in found} <= {"masked", "latent"}, found
    assert any("11 files" in (detail or "") or "10 files" in (detail or "") for _, detail in found), found


def test_without_them_it_is_not(tmp_path):
    found = outcomes(tmp_path, "data=ordered,barrier=0")
    lost = [detail for outcome, detail in found if outcome in ("sdc", "detected")]
    assert len(lost) > CUTS / 4 and any("that were saved" in detail for detail in lost), found
