"""What a promotion from the shadow writes is what the services' roll-out takes."""

from deploy.signals.routes import NewRollOut
from twin.live.shadow.promotion import roll_out


def test_the_body_of_a_promotion_is_a_roll_outs():
    body = NewRollOut.model_validate(roll_out())
    assert (body.shares, body.soak_s) == ([0.25], 7200)
