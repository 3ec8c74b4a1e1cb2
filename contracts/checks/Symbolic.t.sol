// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CarbonCredit} from "../solidity/CarbonCredit.sol";
import {Fixture} from "./Fixture.sol";

/// @title What holds for all inputs, not only for those that were tried: `halmos --function check_`.
contract SymbolicTest is Fixture {
    address private _a;
    address private _b;

    function setUp() external {
        deploy();
        (_a, _b) = (traders[0], traders[1]);
    }

    /// @dev Whoever holds however much of what was minted, one step of anybody, with any amount, keeps
    /// minted = held + re-minted + retired + cancelled; so do any number of steps.
    function check_conservation(uint256 minted, uint256 handed, uint8 kind, uint256 amount, bool third) external {
        VM.assume(minted != 0 && handed <= minted);
        mint(_a, minted, bytes32(uint256(1)));
        VM.prank(_a);
        credits.safeTransferFrom(_a, _b, ID, handed, "");
        _step(kind, amount, third);
        (uint256 total, uint256 reminted, uint256 retired, uint256 cancelled) = credits.totals(ID);
        uint256 held = credits.balanceOf(_a, ID) + credits.balanceOf(_b, ID);
        assert(total == minted && total == held + reminted + retired + cancelled);
        assert(credits.balanceOf(address(vault), ID) == 0);
    }

    /// @dev What two retirements retire together is never more than there was, and is gone from the holder.
    function check_noDoubleRetirement(uint256 minted, uint256 x, uint256 y) external {
        VM.assume(minted != 0);
        mint(_a, minted, bytes32(uint256(1)));
        bool one = _retire(_a, x);
        bool two = _retire(_a, y);
        (,, uint256 retired,) = credits.totals(ID);
        assert(retired == (one ? x : 0) + (two ? y : 0) && retired <= minted);
        assert(credits.balanceOf(_a, ID) == minted - retired);
        assert(vault.certificates() == (one ? 1 : 0) + (two ? 1 : 0));
    }

    /// @dev Retired tonnes stay retired whatever follows.
    function check_retiredNeverComesBack(uint256 minted, uint256 x, uint8 next, uint256 y, bool third) external {
        VM.assume(minted != 0);
        mint(_a, minted, bytes32(uint256(1)));
        _retire(_a, x);
        (,, uint256 before,) = credits.totals(ID);
        _step(next, y, third);
        (,, uint256 retired,) = credits.totals(ID);
        assert(retired >= before);
    }

    /// @dev No signature whatever lets a lock mint a second time.
    function check_oneLockMintsOnce(bytes32 lock, uint256 amount, address to, uint8 v, bytes32 r, bytes32 s) external {
        mint(_a, 5, lock);
        CarbonCredit.Permit memory again = CarbonCredit.Permit(ID, to, amount, lock, 1, block.timestamp + 1);
        VM.prank(ISSUER);
        try credits.mint(again, abi.encodePacked(r, s, v)) {
            assert(false);
        } catch {}
    }

    /// @dev Nobody mints without the issuer's role, whatever is signed.
    function check_onlyTheIssuerMints(address who, uint256 amount, uint8 v, bytes32 r, bytes32 s) external {
        VM.assume(who != ISSUER);
        CarbonCredit.Permit memory p = CarbonCredit.Permit(ID, who, amount, bytes32(uint256(2)), 1, block.timestamp);
        VM.prank(who);
        try credits.mint(p, abi.encodePacked(r, s, v)) {
            assert(false);
        } catch {}
    }

    function _step(uint8 kind, uint256 amount, bool third) private {
        address from = third ? _b : _a;
        if (kind == 0) {
            VM.prank(from);
            try credits.safeTransferFrom(from, third ? _a : _b, ID, amount, "") {} catch {}
        } else if (kind == 1) {
            _retire(from, amount);
        } else if (kind == 2) {
            VM.prank(from);
            try credits.remint(ID, amount) {} catch {}
        } else if (kind == 3) {
            VM.prank(REGULATOR);
            try credits.setStatus(ID, CarbonCredit.Status.Cancelled) {} catch {}
            VM.prank(REGULATOR);
            try credits.cancel(from, ID, amount) {} catch {}
        } else {
            VM.prank(PAUSER);
            registry.pause();
        }
    }

    function _retire(address who, uint256 amount) private returns (bool) {
        VM.prank(who);
        try credits.safeTransferFrom(who, address(vault), ID, amount, "") {
            return true;
        } catch {
            return false;
        }
    }
}
